"""Where code runs: devices, memory, imports and processes."""
