"""Parts of seqtag that another package offers."""
