"""Click models of others, brought along as ONNX files: they answer clicks, and everything else stays ours."""
