"""What is typed and printed: commands, output, exit codes. Click is used only here."""
