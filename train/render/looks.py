"""The looks of a person: skin, hair and clothes, and the shapes that dress the bones.

Lengths are statures, so that the same wardrobe fits everybody.

This module knows nothing about labels, backgrounds or what a camera does to light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtaction.arrays import Float64Array
from rtaction.opencv import cv2
from rtaction.train.render.body import SIDE_SIGNS, SIDES, Body, Motion, head_rotations
from rtaction.train.render.drawing import Colour, Sketch, shaded

SKIN_TONES: tuple[Colour, ...] = (
    (250, 218, 196),
    (236, 188, 158),
    (218, 165, 128),
    (186, 128, 92),
    (140, 90, 62),
    (88, 56, 42),
)
HAIR_TONES: tuple[Colour, ...] = (
    (24, 20, 20),
    (52, 34, 26),
    (92, 60, 36),
    (150, 105, 60),
    (206, 170, 110),
    (160, 160, 160),
)

# Drawn slightly large, as heads appear to a camera and as small frames need.
HEAD_SCALE = 1.1

Joints = dict[str, Float64Array]


@dataclass(frozen=True, slots=True)
class Looks:
    """One person's appearance; colours are RGB, lengths are statures or fractions of a limb.

    Args:
        skin, hair, shirt, trousers, shoes, stripe: colours.
        sleeve: cloth along the arm: 0 none, 1 to the elbow, 2 to the wrist.
        looseness: how much thicker cloth is than the limb under it.
        hair_length: 0 short, larger hangs down; negative is bald.
        hair_thickness: thickness above the skull.
        num_stripes: number of bands across the shirt.
        shorts, glasses, beard, chair: whether the person has them.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    stripe: Colour
    sleeve: float
    looseness: float
    hair_length: float
    hair_thickness: float
    num_stripes: int
    shorts: bool
    glasses: bool
    beard: bool
    chair: bool


def sample_colour(
    rng: np.random.Generator, value: tuple[float, float] = (40, 245), pale_share: float = 0.4
) -> Colour:
    """Draw a random colour with a brightness in a range of 0 to 255; some are pale."""
    saturation = rng.uniform(0, 60) if rng.random() < pale_share else rng.uniform(60, 230)
    hsv = np.array([[[rng.uniform(0, 180), saturation, rng.uniform(*value)]]]).astype(np.uint8)
    red, green, blue = (int(c) for c in cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0])
    return red, green, blue


def sample_looks(rng: np.random.Generator) -> Looks:
    """Draw one person's appearance."""

    def between(tones: tuple[Colour, ...]) -> Colour:
        place = rng.uniform(0, len(tones) - 1)
        low = min(int(place), len(tones) - 2)
        mixed = np.array(tones[low]) + (place - low) * np.subtract(tones[low + 1], tones[low])
        red, green, blue = (int(c) for c in (mixed * rng.uniform(0.92, 1.04, 3)).clip(0, 255))
        return red, green, blue

    return Looks(
        skin=between(SKIN_TONES),
        hair=between(HAIR_TONES),
        shirt=sample_colour(rng),
        trousers=sample_colour(rng, (25, 170)),
        shoes=sample_colour(rng, (20, 230)),
        stripe=sample_colour(rng),
        sleeve=float(rng.choice([0.0, 0.45, 0.7, 1.0, 1.3, 2.0, 2.0, 2.0])),
        looseness=float(rng.uniform(1.08, 1.45)),
        hair_length=float(rng.choice([-1.0, 0.0, 0.0, 0.0, 0.07, 0.12, 0.17])),
        hair_thickness=float(rng.uniform(0.001, 0.012)),
        num_stripes=int(rng.choice([0, 0, 0, 1, 3])),
        shorts=bool(rng.random() < 0.15),
        glasses=bool(rng.random() < 0.2),
        beard=bool(rng.random() < 0.15),
        chair=bool(rng.random() < 0.12),
    )


def dress(sketch: Sketch, body: Body, looks: Looks, motion: Motion, joints: Joints) -> None:
    """Add a person to a sketch.

    Args:
        sketch: receives the shapes.
        body, looks: the person.
        motion, joints: their pose, and its `joint_positions`.
    """
    if looks.chair:
        back = [_between(joints, f"shoulder_{side}", f"waist_{side}", 0.35) for side in SIDES]
        seat = [joints[f"waist_{side}"] for side in SIDES]
        layer = sketch.layer(joints["waist"], -0.5)
        behind = np.array([0.0, 0.0, -0.13 * body.stature_metres])
        blobs = [(place + behind, 0.06 * body.stature_metres) for place in back + seat]
        sketch.hulls(layer, [blobs], shaded(looks.stripe, 0.5))
    _legs(sketch, body, looks, joints)
    _trunk(sketch, body, looks, joints)
    _head(sketch, body, looks, joints["head"], head_rotations(motion))
    for index, side in enumerate(SIDES):
        _arm(sketch, body, looks, joints, side)
        _hand(sketch, body, looks, joints, index, motion.hand_spread[:, index])


def _between(joints: Joints, first: str, second: str, part: float) -> Float64Array:
    return np.asarray(joints[first] + part * (joints[second] - joints[first]))


def _legs(sketch: Sketch, body: Body, looks: Looks, joints: Joints) -> None:
    s = body.stature_metres * (0.5 + 0.5 * body.build)
    layer = sketch.layer(joints["pelvis"], -0.25)
    shin = looks.skin if looks.shorts else looks.trousers
    for side in SIDES:
        hip, knee, ankle, toe = (
            joints[f"{name}_{side}"] for name in ("hip", "knee", "ankle", "toe")
        )
        sketch.capsule(layer, (ankle, toe), (0.024 * s, 0.021 * s), looks.shoes)
        sketch.capsule(layer, (knee, ankle), (0.034 * s, 0.025 * s), shin)
        sketch.capsule(layer, (hip, knee), (0.054 * s, 0.039 * s), looks.trousers)


def _trunk(sketch: Sketch, body: Body, looks: Looks, joints: Joints) -> None:
    s, wide = body.stature_metres, body.stature_metres * (0.6 + 0.4 * body.build)
    layer = sketch.layer((joints["shoulder_left"] + joints["shoulder_right"]) / 2)
    shoulders, waist, hips = (
        [joints[f"{name}_{side}"] for side in SIDES] for name in ("shoulder", "waist", "hip")
    )
    neck = joints["neck"]
    sketch.hulls(layer, [[(place, 0.054 * wide) for place in hips]], looks.trousers)
    sketch.capsule(layer, (joints["head"], neck), (0.030 * s, 0.034 * wide), looks.skin)
    middle = [(place, 0.046 * wide * body.build) for place in waist]
    hem = [*middle, *((place, 0.050 * wide) for place in hips)]
    chest = [*((place, 0.036 * s) for place in shoulders), *middle]
    yoke = [(neck, 0.030 * s), *((place, 0.030 * s) for place in shoulders)]
    sketch.hulls(layer, [hem, chest, yoke], looks.shirt)
    front = np.array([0.0, -0.006 * s, 0.03 * s])
    sketch.capsule(layer, (neck, neck + front), (0.030 * s, 0.026 * s), looks.skin, flat=True)
    for part in np.arange(looks.num_stripes) * 0.22 + 0.25:
        ends = [_between(joints, f"shoulder_{side}", f"waist_{side}", part) for side in SIDES]
        sketch.capsule(layer, (ends[0], ends[1]), (0.016 * s, 0.016 * s), looks.stripe, flat=True)


def _arm(sketch: Sketch, body: Body, looks: Looks, joints: Joints, side: str) -> None:
    s = body.stature_metres * (0.45 + 0.55 * body.build)
    shoulder, elbow, wrist = (joints[f"{name}_{side}"] for name in ("shoulder", "elbow", "wrist"))
    radii = np.array([0.032, 0.026, 0.018]) * s
    cloth = radii * looks.looseness
    # Slightly nearer than the trunk: an arm at the side is in front of the shirt it touches.
    layer = sketch.layer((shoulder + elbow) / 2, 0.03)
    sketch.capsule(layer, (shoulder, elbow), (radii[0], radii[1]), looks.skin)
    if looks.sleeve > 0:
        part = min(looks.sleeve, 1.0)
        hem = shoulder + part * (elbow - shoulder)
        hem_radius = cloth[0] + part * (cloth[1] - cloth[0])
        sketch.capsule(layer, (shoulder, hem), (cloth[0], hem_radius), looks.shirt)
    layer = sketch.layer((elbow + wrist) / 2, 0.03)
    sketch.capsule(layer, (elbow, wrist), (radii[1], radii[2]), looks.skin)
    if looks.sleeve > 1:
        part = min(looks.sleeve - 1.0, 0.94)
        hem = elbow + part * (wrist - elbow)
        hem_radius = cloth[1] + part * (cloth[2] - cloth[1])
        sketch.capsule(layer, (elbow, hem), (cloth[1], hem_radius), looks.shirt)


def _hand(
    sketch: Sketch, body: Body, looks: Looks, joints: Joints, index: int, spread: Float64Array
) -> None:
    s, side = body.stature_metres, SIDES[index]
    wrist, reach = joints[f"wrist_{side}"], joints[f"fingertips_{side}"] - joints[f"wrist_{side}"]
    layer = sketch.layer(wrist + 0.5 * reach, 0.04)
    thumb_side = -SIDE_SIGNS[index] * np.cross(reach, np.array([0.0, 0.0, 1.0]))
    across = thumb_side / np.linalg.norm(reach, axis=1, keepdims=True)
    opened = (0.35 + 0.65 * spread)[:, np.newaxis]
    knuckles = wrist + 0.52 * reach
    for place, length in ((-1.0, 0.36), (-0.35, 0.46), (0.3, 0.48), (0.95, 0.43)):
        base = knuckles + 0.021 * s * place * opened * across
        fan = 0.22 * length * place * opened * across * body.hand_metres
        tip = base + length * reach + fan
        sketch.capsule(layer, (base, tip), (0.0068 * s, 0.0056 * s), looks.skin, flat=True)
    thumb = wrist + 0.2 * reach + 0.016 * s * opened * across
    thumb_tip = thumb + 0.30 * reach + 0.032 * s * opened * across
    sketch.capsule(layer, (thumb, thumb_tip), (0.009 * s, 0.007 * s), looks.skin, flat=True)
    for sign in (-1.0, 1.0):
        shift = sign * 0.010 * s * opened * across
        ends = (wrist + shift + 0.12 * reach, knuckles + 1.4 * shift)
        sketch.capsule(layer, ends, (0.014 * s, 0.0155 * s), looks.skin, flat=True)


def _head(
    sketch: Sketch, body: Body, looks: Looks, middle: Float64Array, turned: Float64Array
) -> None:
    s = HEAD_SCALE * body.stature_metres

    def at(x: float, y: float, z: float) -> Float64Array:
        return np.asarray(middle + turned @ (np.array([x, y, z]) * s))

    thick, dark = looks.hair_thickness, shaded(looks.skin, 0.78)
    if looks.hair_length > 0:
        back = [
            (at(x, y, -0.02), (0.034 + thick) * s)
            for x in (-0.024, 0.024)
            for y in (0.02, -looks.hair_length)
        ]
        sketch.hulls(sketch.layer(middle, -0.2), [back], shaded(looks.hair, 0.8), flat=True)
    layer = sketch.layer(middle, 0.05)
    for sign in SIDE_SIGNS:
        sketch.capsule(
            layer,
            (at(sign * 0.048, 0.004, -0.004), at(sign * 0.046, -0.01, -0.004)),
            (0.011 * s, 0.007 * s),
            dark,
            flat=True,
        )
    sketch.capsule(
        layer, (at(0, 0.018, -0.002), at(0, -0.036, 0.010)), (0.0485 * s, 0.030 * s), looks.skin
    )
    if looks.beard:
        jaw = [(at(x, -0.036, 0.022), 0.014 * s) for x in (-0.024, 0.024)]
        chin = (at(0, -0.048, 0.022), 0.021 * s)
        sketch.hulls(layer, [[*jaw, chin]], looks.hair, flat=True)
    if looks.hair_length >= 0:
        top = [(at(x, 0.050, 0.008), (0.016 + thick) * s) for x in (-0.026, 0.026)]
        back_top = (at(0, 0.046, -0.012), (0.027 + thick) * s)
        sketch.hulls(layer, [[*top, back_top]], looks.hair)
        for sign in SIDE_SIGNS:
            temple = (at(sign * 0.041, 0.042, 0.0), at(sign * 0.047, 0.008, -0.012))
            radius = (0.010 + thick) * s
            sketch.capsule(layer, temple, (radius, 0.7 * radius), looks.hair, flat=True)
    for sign in SIDE_SIGNS:
        eye = at(sign * 0.0205, 0.001, 0.044)
        if looks.glasses:
            sketch.capsule(layer, (eye, eye), (0.0175 * s, 0.0175 * s), (30, 28, 30), flat=True)
            sketch.capsule(layer, (eye, eye), (0.0135 * s, 0.0135 * s), looks.skin, flat=True)
        sketch.capsule(layer, (eye, eye), (0.0062 * s, 0.0062 * s), (34, 26, 24), flat=True)
        brow = (at(sign * 0.011, 0.016, 0.046), at(sign * 0.031, 0.017, 0.040))
        sketch.capsule(layer, brow, (0.0034 * s, 0.0028 * s), shaded(looks.hair, 0.7), flat=True)
    nose = (at(0, 0.0, 0.050), at(0, -0.017, 0.056))
    sketch.capsule(layer, nose, (0.004 * s, 0.0075 * s), dark, flat=True)
    mouth = (at(-0.013, -0.035, 0.044), at(0.013, -0.035, 0.044))
    red = tuple(np.multiply(looks.skin, (0.75, 0.45, 0.45)).astype(int).tolist())
    sketch.capsule(layer, mouth, (0.004 * s, 0.004 * s), (red[0], red[1], red[2]), flat=True)
