"""What clusters report about a release."""
