"""What answers: transformers checkpoints and scripted stand-ins, each described by a card."""
