"""Groups of genes that change together: the planted programs, and noise that cells share."""

ISG28 = """
ISG15 4.2 mono=7 PB=5
IFI6 4.2 mono=6 nk=5
LY6E 6 mono=7 nk=8
IFI44L 2.8 mono=4.5 nB=3.4
MX1 2.6 mono=3.8
EPSTI1 1.8 mono=2.8
OAS1 1.2 mono=3
IFIT3 1.1 mono=3.6
IFI44 1.2 mono=1.8
IFIT1 .8 mono=1.8
IFIT2 .9 mono=2.6
OAS2 .8 mono=1.2
OAS3 .4 mono=1.2
OASL .6 mono=1.2 nk=1.2
RSAD2 .5 mono=1.8
HERC5 .7 mono=1 nk=1
HERC6 .4
DDX60 .6
DDX60L .4 mono=.8
GBP1 .7 mono=1.8
IFI27 .3 mono=2.6 PB=2
IFIT5 .3
RTP4 .4
SOCS1 .4 CAR=.8
SPATS2L .4 PB=1
USP18 .2 mono=.4
LAMP3 .05 cdc=.4 pdc=.2
SIGLEC1 0 mono=1.2
CXCL10 .02 mono=.5 cdc=.2
"""
"""Type I interferon core (ISG28 and DDX60L), as in active lupus: fully lowered by a follow-up."""

INTERFERON_MILD = """
STAT1 3.4 mono=5
STAT2 .7 mono=1.2
IRF7 1.6 pdc=8 mono=2.4
IRF9 1
XAF1 3.2 nk=4
MX2 1.4 mono=2.4
IFI35 .9
EIF2AK2 1.1
PARP9 .9
PARP14 1.2
SAMD9 .8
SAMD9L 1 mono=1.6
IFIH1 .5
RIGI .5
DHX58 .2
CMPK2 .3 mono=.8
PLSCR1 1.2 mono=2.6
IFITM1 8 mono=3 nk=14
IFITM2 5 mono=10
IFITM3 1.4 c14=10 c16=14
BST2 3 PB=8 pdc=6
ISG20 4 PB=20
SP110 1
SP100 1.4
HELZ2 .2
UBE2L6 2.6 mono=3.6
TNFSF10 1.2 mono=3.4
SHFL .8
LGALS3BP .2 mono=.6
ADAR 2.4
IFI16 2 mono=4
IRF1 5
TRIM22 2
PSMB8 4
PSMB9 6
TAP1 3
GBP2 2
GBP4 .4
GBP5 1.6
NMI .6
"""
"""Further interferon-stimulated genes: lowered by half of the core's effect."""

JAK_STAT = [
    "A2M", "ACVR1B", "BAK1", "CBL", "CCR1", "CD14", "CD36", "CD44", "CD9", "CSF2RA", "CSF2RB",
    "CSF3R", "CXCL13", "EBI3", "GRB2", "HAX1", "HMOX1", "IFNAR1", "IFNGR1", "IFNGR2", "IL10RB",
    "IL12RB1", "IL13RA1", "IL17RA", "IL18R1", "IL1B", "IL2RA", "IL2RG", "IL3RA", "IL6ST",
    "ITGA4", "JUN", "LTB", "MAP3K8", "PF4", "PIK3R5", "PTPN11", "STAM2", "TGFB1", "TLR2", "TNF",
    "TNFRSF1A", "TNFRSF1B", "TYK2",
]  # fmt: skip
"""IL6-JAK-STAT3 genes that no interferon set holds: their own, smaller, planted shift."""

EARLY_RESPONSE = [
    "FOS", "FOSB", "JUN", "JUNB", "JUND", "IER2", "DUSP1", "ZFP36", "NFKBIA", "KLF6", "CD69",
]  # fmt: skip
"""Genes of handling stress: they vary together from cell to cell and between libraries."""

MITOCHONDRIAL = """
MT-CO1 85
MT-CO2 80
MT-CO3 62
MT-ATP6 45
MT-CYB 42
MT-ND1 26
MT-ND2 30
MT-ND3 28
MT-ND4 36
MT-ND4L 10
MT-ND5 16
MT-ND6 2
MT-ATP8 3
"""

RIBOSOMAL = [
    "RPL3", "RPL4", "RPL5", "RPL6", "RPL7", "RPL7A", "RPL8", "RPL9", "RPL10", "RPL10A", "RPL11",
    "RPL12", "RPL13", "RPL13A", "RPL14", "RPL15", "RPL17", "RPL18", "RPL18A", "RPL19", "RPL21",
    "RPL22", "RPL23", "RPL23A", "RPL24", "RPL26", "RPL27", "RPL27A", "RPL28", "RPL29", "RPL30",
    "RPL31", "RPL32", "RPL34", "RPL35", "RPL35A", "RPL36", "RPL36A", "RPL36AL", "RPL37",
    "RPL37A", "RPL38", "RPL39", "RPL41", "RPLP0", "RPLP1", "RPLP2", "RPS2", "RPS3", "RPS3A",
    "RPS4X", "RPS5", "RPS6", "RPS7", "RPS8", "RPS9", "RPS10", "RPS11", "RPS12", "RPS13",
    "RPS14", "RPS15", "RPS15A", "RPS16", "RPS17", "RPS18", "RPS19", "RPS20", "RPS21", "RPS23",
    "RPS24", "RPS25", "RPS26", "RPS27", "RPS27A", "RPS28", "RPS29", "RPSA",
]  # fmt: skip

RIBOSOMAL_SHARE = {
    "": 0.2, "n4": 0.34, "n8": 0.34, "m4": 0.28, "reg": 0.25, "tfh": 0.28, "nB": 0.3, "trB": 0.31,
    "mB": 0.28, "swB": 0.27, "aB": 0.22, "e8": 0.21, "mait": 0.25, "nk": 0.17, "c14": 0.15,
    "c16": 0.14, "cdc": 0.2, "pdc": 0.18, "PB": 0.13, "plt": 0.05, "car4": 0.22, "car8": 0.2,
}  # fmt: skip
"""Share of a kind's UMIs that are of ribosomal proteins; "" for the kinds not named."""

CAR_FEATURE = "CAR_BCMA"
CAR_LEVEL = 6.0
"""UMIs of the transgene per 10,000 in a CAR T cell."""
