"""What Pillow makes of pictures: the reference of the edge's image pipeline.

usage: python pillow-resize.py      (needs pillow)

Reads lines {"path": FILE, "rounds": N}; answers each with a line {"format", "width", "height", "ms", "rgb"}, where width and
height are those of the upright picture, ms is one time a round, and rgb is [896, 896, 3] in base64; or {"error": TEXT}.
The first line it writes, without being asked, is {"version": TEXT}.
"""

import base64
import json
import sys
import time
import warnings

import PIL
from PIL import Image, ImageOps

SIDE = 896
warnings.simplefilter("ignore")
Image.MAX_IMAGE_PIXELS = None


def resized(path):
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
        small = upright.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return image.format, upright.size, small.tobytes()


def answer(request):
    times = []
    for _ in range(request["rounds"]):
        start = time.perf_counter()
        kind, (width, height), rgb = resized(request["path"])
        times.append(1000 * (time.perf_counter() - start))
    encoded = base64.b64encode(rgb).decode()
    return {"format": kind, "width": width, "height": height, "ms": times, "rgb": encoded}


def say(message):
    print(json.dumps(message), flush=True)


say({"version": PIL.__version__})
for line in sys.stdin:
    try:
        say(answer(json.loads(line)))
    except Exception as error:  # whatever a file does to Pillow, the next one is still to be asked about
        say({"error": f"{type(error).__name__}: {error}"})
