"""Expression of named genes: UMIs per 10,000 of a cell, by kind of cell, in healthy blood.

One gene a line: `GENE base kind=level ...`; `base` holds for all kinds not named, later entries
override earlier ones, and groups of kinds are those of `types.GROUPS`. Levels are of the order
seen in 10x 3' and 5' libraries of blood. Interferon-stimulated genes are written as they are in
active lupus; a follow-up lowers them (`programs`).
"""

MARKERS = """
CD3D 0 T=9
CD3E 0 T=9 n8=8
CD3G 0 T=5
CD247 0 T=3 nk=4
TRAC 0 T=7 gd=.5
CD2 0 T=5 nk=2 n4=3 pdc=.3
CD5 0 T=2 n4=2.5 e8=1 gd=.5 nB=.3
CD6 0 T=2.5 gd=.7
CD28 0 T4=1.5 n8=.5 car8=.5
CD27 0 T=3 e8=1.2 x8=1.5 mait=3 gd=1 Bm=3 aB=.6 PB=8 car8=1.5
IL32 .1 T=12 n4=3 n8=3 m4=16 reg=20 nk=8
CD4 0 T4=1.6 n4=1.3 reg=2.2 mono=2.4 cdc=2.5 pdc=4
CD40LG 0 m4=1.2 tfh=1.8 n4=.3
CD8A 0 T8=5 n8=4 e8=5.5 x8=6 mait=2.5 car8=5.5 gd=.5 nk=.3
CD8B 0 n8=5 e8=4.2 x8=3.8 mait=1.2 car8=4
CCR7 0 n4=3.5 n8=3 m4=.5 reg=.7 tfh=.5 nB=1.2 trB=.6 mB=.6 cdc=.3
SELL .2 n4=7 n8=6 m4=2.5 reg=3 tfh=2 e8=.8 x8=.5 nB=5.5 trB=5 mB=2.5 swB=1.2 aB=.5 c14=4 pdc=2
LEF1 0 n4=5 n8=4.5 m4=.8 reg=1.2 tfh=1 e8=.2 trB=.5
TCF7 .1 n4=6 n8=5.5 m4=2.2 reg=1.4 tfh=3 e8=.5 x8=.4 mait=1 CAR=.5 pdc=.6
MAL 0 n4=2.5 n8=.8 m4=.7
NOSIP .5 n4=4 n8=3.5 m4=2
LDHB 3 n4=9 n8=8 m4=7 e8=3
NELL2 0 n8=2 n4=.2
LINC02446 0 n8=2.6 e8=.5
IL7R .1 n4=6 m4=12 tfh=4 reg=1 n8=5 e8=2 mait=10 gd=1.5 x8=.5
S100A4 2 m4=18 reg=16 tfh=9 n4=3 n8=2.5 e8=18 x8=14 mait=20 gd=20 nk=16 mono=60 cdc=40 CAR=15
AQP3 0 m4=2 tfh=1 reg=.5
ITGB1 .5 m4=3.5 reg=3.5 e8=2 gd=2 PB=2
GPR183 .2 m4=3 tfh=2 mB=2 cdc=3
TNFRSF4 0 m4=.8 reg=2.5 tfh=.5 car4=1
KLRB1 0 m4=2.5 mait=14 nk=8 gd=5
GZMK 0 e8=6 mait=4 m4=.4 x8=5 tfh=.3 gd=1
GZMA 0 e8=9 x8=9 mait=5 gd=9 nk=8 car8=10 m4=.6
GZMB 0 e8=5 x8=3.5 gd=6 nk=12 car8=10 pdc=22 car4=3 PB=.6
GZMH 0 e8=6 x8=5 gd=5 nk=4 car8=5
GZMM .1 e8=5 n8=2 mait=4 gd=4 nk=5 x8=3
NKG7 .1 e8=28 x8=26 mait=12 gd=35 nk=60 car8=24 car4=3 m4=.4 n8=.6
GNLY .1 e8=9 x8=4 mait=2 gd=25 nk=85 car8=6
PRF1 0 e8=4.5 x8=4 gd=6 nk=14 car8=5 mait=.6
CST7 .1 e8=14 x8=14 gd=13 nk=14 mait=5 car8=12 m4=.8 n8=.8
CCL5 .1 e8=34 x8=32 gd=28 nk=16 mait=18 car8=20 m4=2 plt=60
CCL4 .1 e8=8 x8=8 gd=6 nk=8 mono=.5 car8=4
CCL3 0 nk=2.5 x8=1.5 e8=.7 mono=.8
FGFBP2 0 e8=4 gd=4.5 nk=15 car8=1
KLRD1 0 nk=10 gd=6 e8=3 x8=2.5 mait=2 car8=2
KLRF1 0 nk=7 gd=.7
KLRC1 0 nk=3.5 gd=1.2 e8=.2
NCAM1 0 nk=1.2
NCR1 0 nk=.9
XCL1 0 nk=2.2 x8=.6 gd=.5
XCL2 0 nk=2.6 x8=.8 e8=.5
SPON2 0 nk=5
TYROBP .1 nk=18 mono=45 cdc=20 pdc=10 gd=1.5
FCER1G .1 nk=10 mono=30 cdc=28 pdc=14 plt=6
CLIC3 0 nk=5 pdc=4 gd=1
TRDC 0 gd=9 nk=4
TRGC1 .1 gd=7 e8=1 nk=.4
TRGC2 .1 gd=4 e8=2.6 nk=1
TRDV2 0 gd=3.2
TRGV9 0 gd=3.6
SLC4A10 0 mait=2.2
ZBTB16 0 mait=2 gd=.8 nk=.6
NCR3 .1 mait=3 nk=3 gd=2
RORC 0 mait=.7
CEBPD .2 mait=3 mono=9
IL2RA 0 reg=2.6 CAR=1.2 m4=.15 cdc=.2
FOXP3 0 reg=2.8
CTLA4 0 reg=3 x8=1 tfh=1 CAR=.8
TIGIT 0 reg=3 x8=3.5 tfh=2.5 e8=.8 nk=1.2 car8=1
IKZF2 .05 reg=2.5 nk=1.2 gd=.4
RTKN2 0 reg=2.2
LAYN 0 reg=.4
PDCD1 0 x8=2.6 tfh=2.6 e8=.3 CAR=1
LAG3 0 x8=3 e8=.8 CAR=3 nk=.5
HAVCR2 0 x8=1.6 CAR=1.6 mono=1 nk=1 cdc=2
TOX .1 x8=3.4 tfh=2 e8=.6 CAR=1 nk=.5 reg=.6
ENTPD1 0 x8=.8 mono=.8 reg=.8
CXCR5 0 tfh=2.8 nB=2 trB=1.5 mB=1.8 swB=1.5 aB=.1 n4=.1
ICOS 0 tfh=3 reg=2 m4=1
CXCL13 0 tfh=.5
BCL6 .2 tfh=1.2 mono=1.2
MAF .1 tfh=3 m4=.9 reg=1.5 c16=.8
POU2AF1 0 tfh=.9 B=1.8 PB=7
CXCR3 0 m4=.6 e8=.7 tfh=1 pdc=2 aB=.7
CCR6 0 m4=.7 mait=1.2 B=.6
CD19 0 nB=3 trB=3.6 mB=3 swB=3 aB=4.5 PB=1.2
MS4A1 0 nB=11 trB=11 mB=14 swB=13 aB=18 PB=.6
CD79A 0 B=16 aB=14 PB=20 pdc=.4
CD79B .1 B=10 trB=12 PB=5 pdc=3 nk=.5 e8=.4
CD22 0 B=2.6 PB=.3
CD37 2 B=13 nk=5 T=5 mono=5 PB=4
BANK1 0 B=6 aB=2.5 PB=.4
BLK 0 B=2.2 pdc=.5
PAX5 0 B=1.6 aB=1.4
SPIB 0 B=1 pdc=4
RALGPS2 .1 B=4
LINC00926 0 B=4 PB=.2
TCL1A 0 nB=9 trB=16 mB=.4 pdc=6
IL4R .2 nB=3 trB=2.6 mB=.6 T4=.8 mono=.7
FCER2 0 nB=2.4 trB=.6 mB=.1
CR2 0 nB=1.6 trB=1.2 mB=.8 swB=.5 aB=.05
CD24 .05 trB=5 nB=1.5 mB=1.8 swB=1.4 aB=.2 plt=.5
CD38 .1 trB=3 nB=.7 PB=12 pdc=1.5 nk=1 mono=.7 CAR=2
MME 0 trB=1.4
CD9 0 trB=1.8 plt=12 mB=.3 mono=.2
SOX4 .1 trB=3 pdc=4
IGLL5 0 trB=1 PB=3
CD1C 0 mB=1.4 nB=.5 cdc=7
TNFRSF13B 0 mB=2.4 swB=2.6 aB=1 PB=2
TNFRSF13C 0 nB=3.6 trB=2.4 mB=3 swB=2.6 aB=1.4 T=.05
TNFRSF17 0 PB=5 swB=.15 pdc=.6
TNFSF13B .1 mono=2 cdc=1 pdc=.2
TNFSF13 .3 mono=1.4
AIM2 0 mB=1.8 swB=2 aB=.6
COCH 0 mB=.5 swB=2
CD80 0 mB=.4 swB=.6 aB=.3
GPR15 0 m4=.2
SAMSN1 .3 swB=2 mB=1.2 m4=1.2
TBX21 0 aB=3.2 nk=2.4 e8=1.8 gd=2 x8=1.2
ITGAX .05 aB=4 mono=2.4 cdc=3 nk=.5
FCRL5 0 aB=5.5 mB=.4 PB=2 swB=.3
FCRL3 0 aB=3.6 mB=.6 reg=.9 nk=.5
FCRL2 0 mB=1.2 swB=1 aB=1
ZEB2 .1 aB=3.4 nk=4 e8=3 gd=3 mono=4 pdc=4 cdc=3
FGR .1 aB=2.2 mono=4 nk=3
CD86 0 aB=1 mono=1.4 cdc=2.4
DUSP4 .1 aB=1.6 x8=2 reg=1.4 tfh=1
HSPB1 .3 aB=1.2 PB=1
MZB1 0 PB=26 pdc=6 trB=.6 aB=.8 mB=.5
XBP1 .8 PB=24 pdc=2.5
JCHAIN 0 PB=70 pdc=9 swB=.5
DERL3 0 PB=10 pdc=2.4
SDC1 0 PB=1.4
PRDM1 .2 PB=4 reg=1 nk=1.5 e8=1.2 x8=1.6 aB=.5
IRF4 .1 PB=7 pdc=2 swB=.4 CAR=1
SSR4 3 PB=36
SEC11C 1 PB=14
HSP90B1 3 PB=30
FKBP11 .4 PB=15 mait=2
TENT5C .4 PB=8
CD14 0 c14=8 c16=1 cdc=.4
LYZ .2 c14=110 c16=14 cdc=55 pdc=1
S100A8 .2 c14=130 c16=12 cdc=6
S100A9 .3 c14=120 c16=20 cdc=8
S100A12 0 c14=28 c16=.8
VCAN 0 c14=16 c16=1 cdc=1
FCN1 0 c14=20 c16=16 cdc=4
CD36 0 c14=4 c16=.6 plt=3 pdc=.8
MNDA .1 c14=9 c16=5 cdc=4
CSF3R 0 c14=6 c16=3
CTSS 1 mono=26 c16=34 cdc=14
CST3 .2 c14=36 c16=38 cdc=50 pdc=18
AIF1 .1 c14=14 c16=34 cdc=12
LST1 .2 c14=14 c16=42 cdc=14
FCGR3A 0 c16=11 nk=4.5 gd=1.6 e8=.6 c14=.3
MS4A7 0 c16=11 c14=2
CDKN1C 0 c16=6 nk=.1
RHOC .4 c16=9 nk=1.4 reg=.5
LILRB2 0 c16=3 c14=1.6 cdc=.8
CX3CR1 0 c16=4 nk=2.5 gd=2 e8=1.4 c14=1
TCF7L2 0 c16=2.4 c14=.3
FCER1A 0 cdc=8 pdc=2.4
CLEC10A 0 cdc=5
CLEC9A 0 cdc=.8
ENHO 0 cdc=2
HLA-DQA1 .1 cdc=20 mono=2.4 B=6 pdc=4 aB=8
HLA-DPB1 .3 cdc=40 mono=9 B=18 pdc=20 e8=1.4
HLA-DPA1 .3 cdc=34 mono=8 B=16 pdc=18 e8=1.2
HLA-DRA .8 cdc=90 mono=24 B=40 pdc=34 PB=6 aB=44 e8=1.4
HLA-DRB1 .5 cdc=50 mono=14 B=18 pdc=18 PB=4
CD74 3 cdc=150 mono=50 B=120 pdc=110 PB=60 e8=9 x8=14 CAR=20
LILRA4 0 pdc=14
CLEC4C 0 pdc=4
IL3RA 0 pdc=4.5 cdc=.2
TCF4 .1 pdc=11 PB=1 aB=1.2 nB=.4
IRF8 .3 pdc=14 B=4 cdc=4 c16=1
GAS6 0 pdc=2
SERPINF1 0 pdc=6
PLD4 0 pdc=12 trB=1 B=.8 cdc=1.4
ITM2C .5 pdc=14 PB=9 mait=1 e8=1
PPBP 0 plt=220
PF4 0 plt=150
GNG11 0 plt=40
TUBB1 0 plt=22
CAVIN2 0 plt=34
NRGN .1 plt=24
HBB 0
HBA1 0
HBA2 0
MKI67 0 PB=5 CAR=4 x8=.2 reg=.2
TOP2A 0 PB=4 CAR=3.4
STMN1 .3 PB=10 CAR=9 trB=1
TYMS 0 PB=4 CAR=4
PCNA .4 PB=4 CAR=4
TUBA1B 3 PB=22 CAR=20
TUBB 2 PB=14 CAR=12
H2AZ1 2 PB=14 CAR=12
HMGB2 2 PB=12 CAR=10 nk=3
TNFRSF9 0 CAR=1.4 reg=.3 x8=.4
TNFRSF18 0 CAR=2 reg=3 m4=.3 nk=.5
"""
