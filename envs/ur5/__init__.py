"""The UR5 as a Gymnasium environment: one class for the arm and for its simulation."""
