"""From trained taggers to the figures of a study: judging, statistics, tables."""
