"""Expression of genes that most cells share, and of signalling genes, as in `markers`."""

SHARED = """
MALAT1 170 mono=75 cdc=90 PB=60 plt=40 CAR=120
NEAT1 4 mono=18
B2M 75 T=100 nk=140 e8=125 PB=60
HLA-A 20
HLA-B 32
HLA-C 22
HLA-E 6
EEF1A1 150 mono=80 cdc=100 nk=80 PB=60 n4=200 n8=200 plt=20
EEF1B2 14
EEF2 9
TPT1 60 mono=40 plt=30
TMSB4X 70 mono=90 plt=260
TMSB10 55 nk=55 m4=70
ACTB 65 mono=80 n4=40 n8=40 e8=85 nk=85
ACTG1 14
PFN1 18
CFL1 14
FTL 18 mono=120 cdc=70 plt=60
FTH1 26 mono=110 cdc=60 plt=90
GAPDH 14 CAR=30 mono=20
VIM 8 m4=20 mono=28 e8=14
S100A6 5 m4=16 mono=60 e8=18 nk=14
S100A10 3 m4=9 mono=16
S100A11 2 m4=5 mono=22
LGALS1 1 m4=12 mono=24 cdc=22 reg=14
ANXA1 .6 m4=9 mono=10 gd=6
SRGN 4 mono=20 nk=10 e8=10 plt=20
COTL1 4 mono=14 c16=24
OAZ1 9 mono=18
PTPRC 6
PTPRCAP 6 mono=1 cdc=1 plt=.2
CORO1A 7
ARHGDIB 9
LAPTM5 7
RACK1 24
NACA 20
FAU 28
UBA52 18
H3-3B 22
EIF1 22
PTMA 24
BTG1 14 nB=18
CD52 12 mono=6 nk=6 PB=2
CXCR4 4 nB=7 n4=4 trB=8 m4=6
PIK3IP1 1 n4=3.5
DUSP1 9 mono=22
FOS 12 mono=40
FOSB 3
JUN 8
JUNB 16
JUND 8
IER2 8
KLF2 7 n4=9
KLF6 5
ZFP36 6
ZFP36L2 8 T=12
CD69 3 nk=5 mait=6 PB=.5 mono=.3
TSC22D3 9
NFKBIA 5 mono=10
CD48 2.6
CD53 4
CD44 3 m4=4 mono=4 nB=2
CD81 2 B=3
CD83 .8 B=2 mono=2 cdc=3
CXCL8 .1 mono=6
IL1B .1 c14=3.5 cdc=1
TNF .2 mono=.5 m4=.3
LTB 1 T4=12 nB=9 mB=9 swB=7 mait=8 n8=7 e8=2 nk=1
IL6ST .1 n4=1.6 m4=1.2 n8=1 tfh=1.2 reg=1.4 mono=.5 B=.3
IL2RG 3 T=5 PB=8
IL2RB .1 nk=6 e8=1.6 x8=1.6 gd=3 reg=1.6
IFNGR1 1.2 mono=3
IFNGR2 .7 mono=2.4
IFNAR1 .4
IL10RB .4 mono=.9
TYK2 .7
CSF2RB .1 mono=1.5 cdc=2 pdc=2
CSF2RA .05 mono=1.2 cdc=1.4
TNFRSF1A .1 mono=1.6
TNFRSF1B .4 mono=4 reg=4 m4=1 nk=1
TLR2 0 c14=1.6 c16=.5
IL13RA1 .05 mono=1
IL17RA .1 mono=1.2
IL18R1 0 mait=2 m4=.5 nk=.6
IL12RB1 .2 nk=.7 e8=.6 mait=.7
PTPN1 .5
PTPN11 .4
GRB2 .9 mono=1.8
HAX1 .8
TGFB1 3.5 mono=4.5 nk=6
ITGA4 1.6
MAP3K8 .4 mono=1.4
PIK3R5 .5 mono=.8
STAM2 .2
CBL .3
BAK1 .25
HMOX1 .05 mono=1.4
ACVR1B .1
CCR1 0 mono=1.4 cdc=.6
EBI3 0 PB=.3 reg=.2
A2M 0 nk=.8
CISH .2 CAR=1 reg=.8 m4=.3
SOCS2 .1 CAR=.6 m4=.3 n4=.3
BCL2 .6 n4=1.2
CCND2 1 CAR=3
CCND3 2.6
MYC .5 n4=.8
ODC1 1.2
GPX4 3
GABARAPL1 .6
PIM1 .8 CAR=1.4
SLC2A3 2.4
AHR .3 mono=1
BHLHE40 .5 aB=1 mono=1.5
IFNAR2 .5
JAK1 3
JAK3 .7 nk=1.6
STAT5A .3
STAT5B .4
GATA3 0 T=1.6 n8=.7 nk=.6
RORA .2 m4=2 mait=2.4 nk=1.6
BACH2 .1 n4=2.4 n8=1.6 nB=2 trB=1.6
TXNIP 10 n4=13
CD163 0 c14=1
C1QA 0 c16=1.2
APOBEC3A 0 mono=2.4
NAMPT .6 mono=5
G0S2 0 c14=2.6
"""
