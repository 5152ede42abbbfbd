//! Random streams that repeat those of NumPy and PyTorch, bit for bit.
