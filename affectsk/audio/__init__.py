"""From sound to features, and sound beside faces in one table."""

from affectsk.audio._add_sound import add_sound
from affectsk.audio._align_to_frames import align_to_frames
from affectsk.audio._audio_embedder import AudioEmbedder
from affectsk.audio._onnx_sound_model import OnnxSoundModel
from affectsk.audio._sound_model import SoundModel

__all__ = ["AudioEmbedder", "OnnxSoundModel", "SoundModel", "add_sound", "align_to_frames"]
