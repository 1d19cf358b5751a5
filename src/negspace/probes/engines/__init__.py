"""What probes compute with PyTorch: imported inside the probes' functions, as it takes seconds."""
