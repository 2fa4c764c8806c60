"""What results are written with: files whole or not at all, the record of a run, processes, the computer."""
