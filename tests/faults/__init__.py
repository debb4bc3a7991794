"""What goes wrong on purpose: damaged inputs (fuzzing.py), kills, disks, clocks, signals."""
