"""Prints the DICOM JSON that pydicom makes of its own test files, or of the files named.

One line a file: {"file": path, "json": {...}}. Binary values stay inline.
"""
import glob
import json
import os
import sys
import warnings

import pydicom
import pydicom.data

warnings.simplefilter("ignore")
folder = os.path.join(os.path.dirname(pydicom.data.__file__), "test_files")
for path in sys.argv[1:] or sorted(glob.glob(os.path.join(folder, "*.dcm"))):
    try:
        dataset = pydicom.dcmread(path)
        text = dataset.to_json_dict(bulk_data_threshold=1 << 40)
    except Exception:  # files that pydicom cannot turn into JSON say nothing about us
        continue
    print(json.dumps({"file": path, "json": text}))
