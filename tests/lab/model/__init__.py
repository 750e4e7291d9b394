"""Is the model of capacity true? Real uploads over shaped lines, held against what it predicts."""
