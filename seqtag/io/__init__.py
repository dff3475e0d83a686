"""What leaves and enters the program: model folders, raw text, tagged output."""
