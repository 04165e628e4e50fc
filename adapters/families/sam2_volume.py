"""SAM 2 through a volume: slices are the frames of a video, without a file in between.

The official `SAM2VideoPredictor` does the work, on the network's own modules. Only where it looks up the features of a
frame it is handed those of `Segmenter.encode`, so that each slice is encoded once for both directions and all objects.
What there is to know of it (tests/adapters/families/test_sam2_volume.py holds it against the official calls):

1. Backward in the state of the forward pass reads that pass's memory: each direction has a state of its own.
2. Backward from slice 0 yields nothing, and both directions yield the prompted slice: it is taken once, from forward.
3. The official loop starts at the earliest prompted frame of all objects: here each object has a state of its own and
   begins at its own slice.
4. `clear_non_cond_mem_around_input` names a method that does not exist: it is off, and nothing here needs it.
5. The official builder fills holes of 8 pixels, silently only where its CUDA extension was built: that is off. As with
   that builder, masks from clicks and boxes enter memory as drawn, not as probabilities.
6. Objects have been independent of each other since December 2024, as they are here.
7. Masks of several objects may overlap (`non_overlap_masks=False`); they are scored one by one.
8. A mask excludes box and clicks, and there is one box per object: `SlicePrompt` refuses both at once.
9. Some ports go forward only; a test has the object on both sides. States are never copied, nor shared by threads.
10. The direction of the slices changes results, and their distance is not modelled: they come in LPS order, whatever
    the file's. All slices are predicted, also those beyond the object.

Memory is kept in bfloat16, as officially. A volume of D slices holds 17 MB per slice at 1024 pixels, 4 MB at 512.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from sam2.modeling.sam2_base import SAM2Base
from sam2.sam2_video_predictor import SAM2VideoPredictor

from adapters.families.sam2_embedding import LARGEST_FEEDBACK, Sam2Embedding, on_original
from adapters.interface import Card, SlicePrompt, UnsupportedPrompt, VolumePrediction, check_prompt
from adapters.precision import autocast

OBJECT = 0  # the name of the only object of a state
BY_NAME = ("obj_id_to_idx", "obj_idx_to_id")
BY_OBJECT = (
    "point_inputs_per_obj", "mask_inputs_per_obj", "output_dict_per_obj", "temp_output_dict_per_obj",
    "frames_tracked_per_obj",
)  # fmt: skip
State = dict[str, Any]


def propagate(
    card: Card, network: SAM2Base, volume: Sequence[Sam2Embedding], prompts: Sequence[SlicePrompt]
) -> list[VolumePrediction]:
    """Masks on all slices, see `VolumeSegmenter.propagate`."""
    if network.memory_attention is None:
        raise UnsupportedPrompt(
            f"{card.name}: its weights have no memory of other slices; "
            "`bench demo build --models sam2-memory` trains it"
        )
    sizes = {one.frame.original for one in volume}
    if len(sizes) != 1:
        raise ValueError(f"a volume needs slices of one size, got {len(volume)} slices of {sorted(sizes)}")
    for one in prompts:
        _check(card, one, len(volume), *next(iter(sizes)))
    tracker = SliceTracker(network, volume)
    with torch.inference_mode(), autocast(network.device, "fp32"):
        return [tracker.through(one) for one in prompts]


def _check(card: Card, given: SlicePrompt, slices: int, height: int, width: int) -> None:
    if not 0 <= given.slice < slices:
        raise ValueError(f"prompted slice {given.slice} is none of the volume's {slices} slices")
    if given.mask is None:
        check_prompt(card, given.prompt, height, width)
        if not given.prompt.kinds & {"box", "points"}:
            raise UnsupportedPrompt(f"{card.name} needs a box, points or a whole mask on the prompted slice")
    elif given.mask.shape != (height, width):
        raise ValueError(f"mask of the prompted slice must be {(height, width)}, got shape {given.mask.shape}")


class SliceTracker(SAM2VideoPredictor):
    """The official video predictor on a network that is there already, and on slices that are encoded already.

    Args:
        network: shared, not copied.
        volume: its encoded slices.
    """

    def __init__(self, network: SAM2Base, volume: Sequence[Sam2Embedding]) -> None:
        torch.nn.Module.__init__(self)
        self.__dict__.update(network.__dict__)
        self.fill_hole_area = 0
        self.non_overlap_masks = False
        self.clear_non_cond_mem_around_input = False
        self.add_all_frames_to_correct_as_cond = False
        self.binarize_mask_from_pts_for_mem_enc = True
        self.volume = volume

    def through(self, given: SlicePrompt) -> VolumePrediction:
        """The object of a prompt in all slices: from the prompted one forward, then backward."""
        frame = self.volume[0].frame
        masks = torch.zeros(len(self.volume), *frame.original, dtype=torch.bool, device=self.device)
        wrong = torch.zeros(len(self.volume), dtype=torch.int64, device=self.device)  # looked at once, at the end
        feedback = None
        for backward in (True, False):  # forward last: its prompted slice stays, though both are the same
            for index, logits in self._one_way(given, backward):
                wrong[index] = (~torch.isfinite(logits)).sum()
                masks[index] = on_original(logits[:, 0], frame)[0]
                if index == given.slice and given.mask is None:
                    feedback = logits[0].clamp(-LARGEST_FEEDBACK, LARGEST_FEEDBACK)
        for index, count in enumerate(wrong.tolist()):
            if count:
                raise ValueError(f"slice {index}: {count} of {logits.numel()} logits are NaN or infinite")
        return VolumePrediction(masks, feedback)

    def _one_way(self, given: SlicePrompt, backward: bool) -> Iterator[tuple[int, torch.Tensor]]:
        """Slices and their low-resolution logits (1, 1, h, w), the prompted one first."""
        state = self._state()
        self._ask(state, given)
        self.propagate_in_video_preflight(state)
        known = state["output_dict_per_obj"][0]
        yield given.slice, known["cond_frame_outputs"][given.slice]["pred_masks"]
        others = range(given.slice - 1, -1, -1) if backward else range(given.slice + 1, len(self.volume))
        for index in others:
            kept, logits = self._run_single_frame_inference(
                inference_state=state,
                output_dict=known,
                frame_idx=index,
                batch_size=1,
                is_init_cond_frame=False,
                point_inputs=None,
                mask_inputs=None,
                reverse=backward,
                run_mem_encoder=True,
            )
            known["non_cond_frame_outputs"][index] = kept
            yield index, logits

    def _ask(self, state: State, given: SlicePrompt) -> None:
        if given.mask is not None:
            self.add_new_mask(state, given.slice, OBJECT, torch.from_numpy(given.mask))
            return
        prompt = given.prompt
        if prompt.previous is not None:  # as if the earlier clicks had been given in this state
            index = self._obj_id_to_idx(state, OBJECT)
            before = torch.as_tensor(prompt.previous, dtype=torch.float32).reshape(1, 1, *prompt.previous.shape[-2:])
            state["temp_output_dict_per_obj"][index]["cond_frame_outputs"][given.slice] = {"pred_masks": before}
        points = (None, None) if prompt.points is None else (prompt.points.xy, prompt.points.labels.astype("int32"))
        self.add_new_points_or_box(state, given.slice, OBJECT, *points, box=prompt.box)

    def _state(self) -> State:
        """A state of the official predictor without memory; the slices are in `volume`, not in it."""
        height, width = self.volume[0].frame.original
        state: State = {name: {} for name in (*BY_NAME, *BY_OBJECT, "constants")}
        return state | {
            "obj_ids": [],
            "num_frames": len(self.volume),
            "video_height": height,
            "video_width": width,
            "device": self.device,
            "storage_device": self.device,
        }

    def _get_image_feature(self, inference_state: State, frame_idx: int, batch_size: int) -> tuple[Any, ...]:
        """What the official method gives: no image, and the features of a slice with their positions."""
        slice_ = self.volume[frame_idx]
        # The image path adds the "no memory" token once for all prompts; memory takes its place here.
        without = slice_.embedding - self.no_mem_embed.reshape(-1, 1, 1)
        maps = [level[None].expand(batch_size, -1, -1, -1) for level in (*slice_.details, without)]
        positions = [self.image_encoder.neck.position_encoding(level) for level in maps]
        features = self._prepare_backbone_features({"backbone_fpn": maps, "vision_pos_enc": positions})
        return (None, *features)
