"""Small pictures in every covered variant of PNG, JPEG, WebP, GIF and AVIF, and what Pillow makes of them.

usage: python make-variants.py OUT_DIR     (needs pillow, numpy and cjpeg; versions in PROVENANCE.md)

Writes OUT_DIR/* and OUT_DIR/variants.json: rows {file, width, height, patches_sha256}, where width and height are those of
the upright picture and the hash is of the patch bytes [4096, 588]. Where decoders may differ (AVIF) a row has `sample` beside
it: the RGB bytes of every 28th pixel of every 28th row, from (14, 14) on, as base64.
"""
import base64, hashlib, io, json, pathlib, struct, subprocess, sys, zlib
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


def jpegs_of_cjpeg():
    """What Pillow cannot write: other samplings, scans and colour spaces."""
    base = picture(59, 45)
    ppm = b"P6\n59 45\n255\n" + base.tobytes()
    cjpeg = lambda *options: subprocess.run(["cjpeg", "-quality", "85", *options], input=ppm, stdout=subprocess.PIPE, check=True).stdout
    for name, sample in (("411", "4x1"), ("440", "1x2"), ("441", "1x4"), ("410", "4x2"), ("311", "3x1"), ("mixed", "2x2,1x2,2x1"), ("reversed", "1x1,2x2,1x2")):
        yield f"{name}.jpg", cjpeg("-sample", sample)
        yield f"{name}-progressive.jpg", cjpeg("-sample", sample, "-progressive")
    yield "restart-rows.jpg", cjpeg("-restart", "1", "-sample", "2x2")
    yield "restart-progressive.jpg", cjpeg("-restart", "5B", "-progressive")
    ycck = bytearray(save(Image.fromarray(base).convert("CMYK"), "JPEG", quality=90))
    ycck[ycck.index(b"Adobe") + 11] = 2  # the transform: the same samples, read as YCCK
    yield "ycck.jpg", bytes(ycck)


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


def lzw(indices, bits, clear_every=0, end=True):
    """GIF codes in blocks of 255. `clear_every` 0: the table is never cleared, and full codes go on."""
    clear, out, buffer, count = 1 << bits, bytearray(), 0, 0
    def emit(code, size):
        nonlocal buffer, count
        buffer |= code << count
        count += size
        while count >= 8:
            out.append(buffer & 255)
            buffer >>= 8
            count -= 8
    def fresh():
        return {(i,): i for i in range(clear)}, clear + 2, bits + 1
    table, free, size = fresh()
    emit(clear, size)
    text, codes = (), 0
    for index in indices:
        longer = text + (int(index),)
        if longer in table:
            text = longer
            continue
        emit(table[text], size)
        codes += 1
        if free < 4096:
            table[longer] = free
            if free == 1 << size and size < 12 and bits > 1:
                size += 1
            free += 1
        text = (int(index),)
        if clear_every and codes % clear_every == 0:
            emit(clear, size)
            table, free, size = fresh()
    emit(table[text], size)
    if end:
        emit(clear + 1, size)
    emit(0, 7)
    blocks = [bytes(out[i : i + 255]) for i in range(0, len(out), 255)]
    return bytes([bits]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def one_bit(indices):
    """GIF data of two colours, without strings: with 1-bit colours codes have 2 bits, always."""
    codes = [2, *map(int, indices), 3]
    packed = np.packbits(np.array([[code & 1, code >> 1] for code in codes], np.uint8).ravel(), bitorder="little").tobytes()
    blocks = [packed[i : i + 255] for i in range(0, len(packed), 255)]
    return b"\x01" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def gif(indices, screen=None, colors=None, local=None, at=(0, 0), interlaced=False, before=b"", bits=8, version=b"GIF89a", after=b";", data=None):
    """indices [h, w] uint8. `colors` and `local` are tables of 3 * 2^n bytes."""
    height, width = indices.shape
    flags = lambda table: 0 if table is None else 0x80 | (len(table) // 3 - 1).bit_length() - 1
    order = [y for first, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(first, height, step)] if interlaced else range(height)
    rows = np.concatenate([indices[y] for y in order])
    out = version + struct.pack("<HHBBB", *(screen or (width, height)), flags(colors), 3, 0) + (colors or b"") + before
    out += b"," + struct.pack("<HHHHB", *at, width, height, flags(local) | (0x40 if interlaced else 0)) + (local or b"")
    return out + (data or lzw)(rows, *([] if data else [bits])) + after


def gifs():
    colors = RANDOM.integers(0, 256, 768, np.uint8).tobytes()
    others = RANDOM.integers(0, 256, 768, np.uint8).tobytes()
    ramp = lambda count: bytes(i for i in range(count) for _ in range(3))
    control = lambda index, flags=1: b"!\xf9\x04" + bytes([flags, 0, 0, index]) + b"\0"
    base = picture(37, 29)[..., 0]
    few = base >> 4
    comment = b"!\xfe\x05hello\x05again\0"
    loop = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    yield "plain.gif", gif(base, colors=colors)
    yield "87a.gif", gif(base, colors=colors, version=b"GIF87a")
    yield "interlaced.gif", gif(base, colors=colors, interlaced=True)
    for w, h in ((1, 1), (3, 1), (2, 3), (5, 4), (1, 9), (300, 2)):
        yield f"interlaced-{w}x{h}.gif", gif(picture(w, h)[..., 1], colors=colors, interlaced=True)
    yield "transparent.gif", gif(base, colors=colors, before=control(int(base[3, 3])))
    yield "offset.gif", gif(base, screen=(50, 44), colors=colors, at=(7, 11))
    yield "offset-transparent.gif", gif(base, screen=(50, 44), colors=colors, at=(7, 11), before=control(200))
    yield "offset-interlaced.gif", gif(base, screen=(50, 44), colors=colors, at=(13, 0), interlaced=True, before=comment + control(5, 5) + loop)
    yield "beyond-screen.gif", gif(base, screen=(20, 60), colors=colors, at=(9, 2))
    yield "no-screen.gif", gif(base, screen=(0, 0), colors=colors)
    yield "local-palette.gif", gif(base, local=others)
    yield "local-over-global.gif", gif(base, colors=colors, local=others)
    yield "no-palette.gif", gif(base)
    yield "grey-ramp.gif", gif(base, colors=ramp(256))
    yield "short-grey-ramp.gif", gif(base, colors=ramp(4))
    yield "local-grey-ramp-over-colours.gif", gif(base, colors=colors, local=ramp(16))
    yield "local-grey-ramp.gif", gif(base, local=ramp(16))
    yield "local-over-grey-ramp.gif", gif(base, colors=ramp(256), local=others)
    yield "beyond-palette.gif", gif(base, colors=colors[:48])
    yield "4-bits.gif", gif(few, colors=colors[:48], bits=4)
    yield "wide-codes.gif", gif(few, colors=colors[:48], bits=7)
    yield "1-bit.gif", gif(base >> 7, colors=colors[:6], data=one_bit)
    yield "2-bits.gif", gif(base >> 6, colors=colors[:12], bits=2)
    noise = RANDOM.integers(0, 256, (120, 130), np.uint8)
    yield "full-table.gif", gif(noise, colors=colors)
    yield "repeats.gif", gif(np.tile(np.arange(7, dtype=np.uint8), 4000).reshape(140, 200), colors=colors, bits=3)
    yield "one-colour.gif", gif(np.full((90, 90), 3, np.uint8), colors=colors[:24], bits=3)
    yield "cleared-often.gif", gif(noise, colors=colors, data=lambda rows: lzw(rows, 8, clear_every=100))
    yield "no-end-code.gif", gif(base, colors=colors, data=lambda rows: lzw(rows, 8, end=False))
    yield "surplus-pixels.gif", gif(base, colors=colors, data=lambda rows: lzw(np.concatenate([rows, rows]), 8))
    yield "stray-bytes.gif", gif(base, colors=colors, before=b"\0\0\x07" + comment + b"\0" + control(9) + b"\0\0")
    yield "two-controls.gif", gif(base, screen=(50, 44), colors=colors, at=(7, 11), before=control(200) + control(3, 0) + control(77, 0))
    yield "no-trailer.gif", gif(base, colors=colors, after=b"")
    yield "junk-after.gif", gif(base, colors=colors, after=b"\x99\x98 junk")
    frames = [Image.fromarray(picture(41, 33)).quantize(colors=c) for c in (30, 200)]
    yield "animated.gif", save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
    yield "animated-disposal.gif", save(frames[1], "GIF", save_all=True, append_images=frames[:1], duration=80, disposal=2, transparency=9)


def box(kind, *parts, full=None):
    """A box of the ISO base media format; `full` is the version and flags of a full box, as one number."""
    body = (b"" if full is None else struct.pack(">I", full)) + b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def boxes(data):
    at, found = 0, {}
    while at < len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        found[data[at + 4 : at + 8]] = data[at + 8 : at + length]
        at += length
    return found


def coded(avif):
    """The AV1 data of a still AVIF that Pillow wrote, and the properties of its picture as boxes."""
    file = boxes(avif)
    properties = boxes(boxes(boxes(file[b"meta"][4:])[b"iprp"])[b"ipco"])
    return file[b"mdat"], [box(kind, properties[kind]) for kind in (b"ispe", b"av1C", b"colr", b"pixi")]


def mux(items, references=b""):
    """items (type, data, properties), the first of them the picture -> AVIF."""
    known, associations, entries, locations, at = [], b"", [], b"", 0
    for number, (kind, data, properties) in enumerate(items, 1):
        known += [one for one in properties if one not in known]
        associations += struct.pack(">HB", number, len(properties)) + bytes(0x80 | known.index(one) + 1 for one in properties)
        entries.append(box(b"infe", struct.pack(">HH", number, 0), kind, b"\0", full=2 << 24))
        locations += struct.pack(">HHHHII", number, 1, 0, 1, at, len(data))
        at += len(data)
    count = struct.pack(">H", len(items))
    meta = [box(b"hdlr", b"\0\0\0\0pict" + b"\0" * 13, full=0), box(b"pitm", b"\0\1", full=0)]
    meta += [box(b"iloc", b"\x44\0" + count + locations, full=1 << 24), box(b"iinf", count, *entries, full=0)]
    meta += [box(b"iref", references, full=0)] if references else []
    meta += [box(b"iprp", box(b"ipco", *known), box(b"ipma", struct.pack(">I", len(items)), associations, full=0))]
    meta += [box(b"idat", *(data for _, data, _ in items))]
    return box(b"ftyp", b"avif\0\0\0\0avifmif1miaf") + box(b"meta", *meta, full=0)


def muxed_avifs():
    """What Pillow cannot write: a grid of tiles, and turns together with mirrors."""
    base = Image.fromarray(picture(256, 200))
    tiles = [coded(save(base.crop((x, y, x + 128, y + 128)), "AVIF", quality=60)) for y in (0, 72) for x in (0, 128)]
    shape = box(b"ispe", struct.pack(">II", 250, 200), full=0)
    grid = (b"grid", bytes([0, 0, 1, 1]) + struct.pack(">HH", 250, 200), [shape, *tiles[0][1][2:]])
    parts = box(b"dimg", struct.pack(">HH4H", 1, 4, 2, 3, 4, 5))
    yield "grid.avif", mux([grid, *((b"av01", data, properties) for data, properties in tiles)], parts)
    data, properties = coded(save(base.crop((0, 0, 70, 50)), "AVIF", quality=80))
    irot, imir = (lambda turns: box(b"irot", bytes([turns]))), (lambda axis: box(b"imir", bytes([axis])))
    yield "turned-then-mirrored.avif", mux([(b"av01", data, [*properties, irot(1), imir(1)])])
    yield "mirrored-then-turned.avif", mux([(b"av01", data, [*properties, imir(0), irot(3)])])


def avifs():
    base = Image.fromarray(picture(64, 48))
    alpha = base.copy()
    alpha.putalpha(Image.fromarray(RANDOM.integers(0, 256, (48, 64), np.uint8)))
    yield "420.avif", save(base, "AVIF", quality=80)
    yield "422.avif", save(base, "AVIF", quality=80, subsampling="4:2:2")
    yield "444.avif", save(base, "AVIF", quality=90, subsampling="4:4:4")
    yield "full-range-100.avif", save(base, "AVIF", quality=100, subsampling="4:4:4", range="full")
    yield "limited-range.avif", save(base, "AVIF", quality=80, range="limited")
    yield "grey.avif", save(base.convert("L"), "AVIF", quality=80)
    yield "alpha.avif", save(alpha, "AVIF", quality=80)
    yield "odd-sizes.avif", save(Image.fromarray(picture(37, 51)), "AVIF", quality=80)
    yield "1x1.avif", save(Image.fromarray(picture(1, 1)), "AVIF", quality=100, subsampling="4:4:4")
    yield "animated.avif", save(base, "AVIF", save_all=True, append_images=[base.rotate(180)], duration=80)
    for tag in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = tag
        yield f"exif-{tag}.avif", save(base, "AVIF", quality=80, exif=exif)


def expected(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    image = ImageOps.exif_transpose(image).convert("RGB")
    small = np.asarray(image.resize((896, 896), Image.BILINEAR))
    patches = small.reshape(64, 14, 64, 14, 3).transpose(0, 2, 1, 3, 4).reshape(4096, 588)
    row = {"width": image.width, "height": image.height, "patches_sha256": hashlib.sha256(patches.tobytes()).hexdigest()}
    if data[4:8] == b"ftyp":
        row["sample"] = base64.b64encode(small[14::28, 14::28].tobytes()).decode()
    return row


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for variants in (pngs, jpegs, webps, jpegs_of_cjpeg, gifs, avifs, muxed_avifs):
        for file, data in variants():
            (out / file).write_bytes(data)
            rows.append({"file": file, **expected(data)})
    table = ",\n".join(json.dumps(row) for row in rows)
    (out / "variants.json").write_text('{"pillow": "%s", "rows": [\n%s\n]}\n' % (PIL.__version__, table))
    print(len(rows), "rows")
