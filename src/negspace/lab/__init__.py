"""The lab: claims about how data forms models, tested on tasks whose boundary is known."""
