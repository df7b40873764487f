"""Detection replies to labels: fake, real, refused or unparsed."""
