"""What is drawn into pictures: labels, people, curves, a mosaic of cameras."""
