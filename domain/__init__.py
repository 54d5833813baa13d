"""Facts and arithmetic of the trade. Units live here. No input, no output."""
