"""How replies speak of an image: words, shapes of assertion, yes and no, refusals."""
