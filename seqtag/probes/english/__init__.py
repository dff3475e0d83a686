"""What the English probes share: words, who appears, sentences, and a parser of them."""
