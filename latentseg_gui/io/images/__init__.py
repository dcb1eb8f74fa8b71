"""Reading images and folders of them: values kept, sizes bounded, every failure in words."""
