"""Small pictures in every covered variant of PNG, JPEG and WebP, and what Pillow makes of them.

usage: python make-variants.py OUT_DIR     (needs pillow and numpy; versions in PROVENANCE.md)

Writes OUT_DIR/*.png, *.jpg, *.webp and OUT_DIR/variants.json: rows {file, width, height, patches_sha256}, where width and
height are those of the upright picture and the hash is of the patch bytes [4096, 588].
"""
import hashlib, io, json, pathlib, struct, sys, zlib
import numpy as np, PIL
from PIL import Image, ImageOps

RANDOM = np.random.default_rng(20261124)
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="{}"/></rdf:RDF></x:xmpmeta>'


def picture(width, height):
    """Smooth colours with noise on top: every codec has something to do."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 7 + c) + np.cos(y / 5 - c) + np.sin((x + y) / 11) for c in range(3)]
    noise = RANDOM.normal(0, 12 if height * width < 99999 else 1, (height, width, 3))
    return np.clip(128 + 40 * np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def filter_rows(rows, pixel_bytes):
    """Filters row i with type i % 5."""
    out, above = b"", np.zeros(rows.shape[1], np.int64)
    for i, row in enumerate(rows.astype(np.int64)):
        left = np.concatenate([np.zeros(pixel_bytes, np.int64), row[:-pixel_bytes]])[: len(row)]
        corner = np.concatenate([np.zeros(pixel_bytes, np.int64), above[:-pixel_bytes]])[: len(row)]
        p = left + above - corner
        pa, pb, pc = abs(p - left), abs(p - above), abs(p - corner)
        paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, above, corner))
        guess = [0 * row, left, above, (left + above) // 2, paeth][i % 5]
        out += bytes([i % 5]) + ((row - guess) % 256).astype(np.uint8).tobytes()
        above = row
    return out


def png(samples, color, depth, extra=b"", interlaced=False):
    """samples [h, w, channels] of `depth` bits -> PNG, filters cycling through all five."""
    height, width, channels = samples.shape
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b""
    for x, y, dx, dy in passes if interlaced else [(0, 0, 1, 1)]:
        part = samples[y::dy, x::dx]
        if part.size == 0:
            continue
        flat = part.reshape(part.shape[0], -1)
        if depth == 16:
            rows = flat.astype(">u2").view(np.uint8).reshape(part.shape[0], -1)
        elif depth == 8:
            rows = flat.astype(np.uint8)
        else:
            bits = (flat[..., None] >> np.arange(depth - 1, -1, -1)) & 1
            rows = np.packbits(bits.reshape(part.shape[0], -1).astype(np.uint8), axis=1)
        raw += filter_rows(rows, max(1, channels * depth // 8))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    data = zlib.compress(raw)
    half = len(data) // 2
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data[:half]) + chunk(b"IDAT", data[half:]) + chunk(b"IEND", b"")


def pngs():
    palette = chunk(b"PLTE", RANDOM.integers(0, 256, 768, np.uint8).tobytes())
    transparent = chunk(b"tRNS", RANDOM.integers(0, 256, 200, np.uint8).tobytes())
    exif = lambda tag: chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">H", tag) + b"\0\0\0\0\0\0")
    base = picture(45, 31)
    for interlaced in (False, True):
        tail = "-interlaced" if interlaced else ""
        for depth in (1, 2, 4, 8):
            grey = base[..., :1].astype(np.int64) >> (8 - depth)
            yield f"grey-{depth}{tail}.png", png(grey, 0, depth, interlaced=interlaced)
            few = chunk(b"PLTE", palette[8 : 8 + 3 * (1 << depth)])
            yield f"palette-{depth}{tail}.png", png(grey, 3, depth, few, interlaced)
        wide = base.astype(np.int64) * 257 - RANDOM.integers(0, 99, base.shape)
        alpha = RANDOM.integers(0, 256, (31, 45, 1))
        yield f"rgb-8{tail}.png", png(base, 2, 8, interlaced=interlaced)
        yield f"rgb-16{tail}.png", png(np.clip(wide, 0, 65535), 2, 16, interlaced=interlaced)
        yield f"grey-alpha-8{tail}.png", png(np.concatenate([base[..., :1], alpha], -1), 4, 8, interlaced=interlaced)
        yield f"grey-alpha-16{tail}.png", png(np.concatenate([base[..., :1], alpha], -1).astype(np.int64) * 256 + 7, 4, 16, interlaced=interlaced)
        yield f"rgba-8{tail}.png", png(np.concatenate([base, alpha], -1), 6, 8, interlaced=interlaced)
        yield f"rgba-16{tail}.png", png(np.concatenate([base, alpha], -1).astype(np.int64) * 256 + 99, 6, 16, interlaced=interlaced)
    yield "palette-transparent.png", png(base[..., :1], 3, 8, palette + transparent)
    yield "rgb-transparent-colour.png", png(base, 2, 8, chunk(b"tRNS", struct.pack(">HHH", *map(int, base[0, 0]))))
    yield "gamma-ignored.png", png(base, 2, 8, chunk(b"gAMA", struct.pack(">I", 22000)))
    for w, h in ((1, 1), (3, 1), (1, 5), (5, 4)):
        yield f"interlaced-{w}x{h}.png", png(picture(w, h), 2, 8, interlaced=True)
    for tag in (2, 6):
        yield f"exif-{tag}.png", png(base, 2, 8, exif(tag))
    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.format(8).encode())
    yield "xmp-8.png", png(base, 2, 8, xmp)
    yield "xmp-8-exif-3.png", png(base, 2, 8, xmp + exif(3))
    for w, h in ((3, 1200), (9, 900), (8, 900), (8, 880)):
        yield f"tall-{w}x{h}.png", png(picture(w, h), 2, 8)
    yield "tall-exif-6.png", png(picture(3, 1200), 2, 8, exif(6))
    yield "wide-exif-7.png", png(picture(1333, 2), 2, 8, exif(7))


def save(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpegs():
    base = Image.fromarray(picture(61, 43))
    for subsampling, name in ((0, "444"), (1, "422"), (2, "420")):
        for progressive in (False, True):
            tail = "-progressive" if progressive else ""
            yield f"{name}{tail}.jpg", save(base, "JPEG", quality=80, subsampling=subsampling, progressive=progressive)
    for quality in (5, 100):
        yield f"quality-{quality}.jpg", save(base, "JPEG", quality=quality)
    yield "restart.jpg", save(base, "JPEG", restart_marker_blocks=3)
    yield "rgb-coded.jpg", save(base, "JPEG", keep_rgb=True)
    yield "grey.jpg", save(base.convert("L"), "JPEG")
    yield "grey-progressive.jpg", save(base.convert("L"), "JPEG", progressive=True)
    yield "cmyk.jpg", save(base.convert("CMYK"), "JPEG")
    yield "cmyk-progressive.jpg", save(base.convert("CMYK"), "JPEG", progressive=True)
    for w, h in ((1, 1), (7, 9), (8, 8), (17, 2), (2, 33)):
        yield f"{w}x{h}.jpg", save(Image.fromarray(picture(w, h)), "JPEG", quality=90, subsampling=2)
    for tag in range(1, 10):
        exif = Image.Exif()
        exif[0x0112] = tag
        yield f"exif-{tag}.jpg", save(base, "JPEG", quality=90, subsampling=0, exif=exif)
    yield "portrait.jpg", save(Image.fromarray(picture(600, 1400)), "JPEG", quality=50)
    yield "xmp-6.jpg", save(base, "JPEG", xmp=XMP.format(6).encode())
    yield "large-exif-5.jpg", save(Image.fromarray(picture(1500, 40)), "JPEG", quality=60, exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x05\0\0\0\0\0\0\0")


def webps():
    base = Image.fromarray(picture(52, 37))
    alpha = base.copy()
    alpha.putalpha(Image.fromarray(RANDOM.integers(0, 256, (37, 52), np.uint8)))
    yield "lossy.webp", save(base, "WEBP", quality=70)
    yield "lossless.webp", save(base, "WEBP", lossless=True)
    yield "lossy-alpha.webp", save(alpha, "WEBP", quality=70)
    yield "lossless-alpha.webp", save(alpha, "WEBP", lossless=True, exact=True)
    for tag in (3, 5, 8):
        exif = Image.Exif()
        exif[0x0112] = tag
        yield f"exif-{tag}.webp", save(base, "WEBP", quality=90, exif=exif)
    yield "xmp-6.webp", save(base, "WEBP", quality=90, xmp=XMP.format(6).encode())
    clear = Image.new("RGBA", (52, 37))
    clear.paste(alpha.crop((10, 8, 40, 30)), (10, 8))
    yield "animated-offset.webp", save(clear, "WEBP", save_all=True, append_images=[alpha], lossless=True, duration=50)
    yield "animated-lossy.webp", save(base, "WEBP", save_all=True, append_images=[base.rotate(90)], quality=60, duration=50)
    yield "animated-lossy-alpha.webp", save(alpha, "WEBP", save_all=True, append_images=[clear], quality=60, duration=50)
    yield "1x1.webp", save(Image.fromarray(picture(1, 1)), "WEBP", lossless=True)


def expected(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    image = ImageOps.exif_transpose(image).convert("RGB")
    small = np.asarray(image.resize((896, 896), Image.BILINEAR))
    patches = small.reshape(64, 14, 64, 14, 3).transpose(0, 2, 1, 3, 4).reshape(4096, 588)
    return {"width": image.width, "height": image.height, "patches_sha256": hashlib.sha256(patches.tobytes()).hexdigest()}


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for variants in (pngs, jpegs, webps):
        for file, data in variants():
            (out / file).write_bytes(data)
            rows.append({"file": file, **expected(data)})
    table = ",\n".join(json.dumps(row) for row in rows)
    (out / "variants.json").write_text('{"pillow": "%s", "rows": [\n%s\n]}\n' % (PIL.__version__, table))
    print(len(rows), "rows")
