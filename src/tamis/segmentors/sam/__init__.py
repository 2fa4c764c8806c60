"""The SAM family by name: SAM, SAM-HQ, SAM 2.1, EdgeTAM and the tracker of SAM 3.

Which there are stands in `catalogue`; their files come by way of `tamis.hub`. Whatever runs
a model satisfies the two protocols of `model`: transformers (`torch_model`, extra [hub]) or onnxruntime (`onnx_model`,
core). `promptable` turns either into a segmentor.
"""
