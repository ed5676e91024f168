"""The paper's four findings, for any two or three tables: a base model, a VLA, a fine-tuned VLA."""
