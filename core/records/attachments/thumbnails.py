"""Small pictures of attached images, made with limits: an image is somebody's program for our memory."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps

SIDE = 320  # pixels of the longer side
MEGA = 1_000_000


def make_thumbnail(path: Path, megapixels: int) -> bytes | None:
    """A WebP of the image at ``path``, turned as its camera was held; None where it is too large or broken.

    Args:
        path: a file of which nothing is known.
        megapixels: how many an image may claim; one that claims more is never decoded.
    """
    try:
        with warnings.catch_warnings(), Image.open(path, formats=("PNG", "JPEG", "GIF", "WEBP", "BMP")) as image:
            # Pillow warns of images between its limit and twice that; ours is checked below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            width, height = image.size
            if width * height > megapixels * MEGA:
                return None
            image.draft("RGB", (SIDE * 2, SIDE * 2))
            turned = ImageOps.exif_transpose(image)
            turned.thumbnail((SIDE, SIDE))
            small = turned.convert("RGBA" if "A" in turned.getbands() or "transparency" in turned.info else "RGB")
            buffer = io.BytesIO()
            small.save(buffer, "WEBP", quality=80)
            return buffer.getvalue()
    # Whatever a broken image provokes in its decoder, it is an image without a thumbnail.
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, OverflowError, MemoryError, EOFError):
        return None
