# The same samples through Seurat, as its tutorial takes them: no doublets, no markers, no
# integration. Rscript peer_seurat.R SAMPLES.tsv STEPS.tsv CELLS.tsv
suppressMessages({library(Seurat); library(Matrix)})
place <- commandArgs(TRUE)
samples <- read.delim(place[1])
steps <- data.frame(step = character(), seconds = numeric(), cpu = numeric(), peak = numeric())
clock <- proc.time()
done <- function(step) { # seconds, seconds of CPU and GB at the most since the step before
  took <- proc.time() - clock
  most <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
  gb <- as.numeric(gsub("[^0-9]", "", most)) * 1024 / 1e9
  writeLines("5", "/proc/self/clear_refs") # the kernel forgets the peak
  steps[nrow(steps) + 1, ] <<- list(step, took[["elapsed"]], took[["user.self"]] + took[["sys.self"]], gb)
  clock <<- proc.time()
  message("Seurat: ", step)
}
counts <- lapply(seq_len(nrow(samples)), function(i) {
  part <- Read10X_h5(file.path(dirname(place[1]), samples$gex[i]))
  if (is.list(part)) part <- part[["Gene Expression"]]
  colnames(part) <- paste(colnames(part), samples$sample[i], sep = "_")
  part
})
shared <- Reduce(intersect, lapply(counts, rownames))
data <- CreateSeuratObject(do.call(cbind, lapply(counts, function(part) part[shared, ])))
rm(counts)
done("read")
data[["pct_mt"]] <- PercentageFeatureSet(data, pattern = "^MT-")
data <- subset(data, subset = nFeature_RNA > 200 & pct_mt < 20)
done("quality control")
data <- FindVariableFeatures(NormalizeData(data, verbose = FALSE), verbose = FALSE)
done("variable genes")
data <- RunPCA(ScaleData(data, verbose = FALSE), npcs = 30, verbose = FALSE)
done("PCA")
data <- FindNeighbors(data, dims = 1:30, verbose = FALSE)
done("neighbours")
data <- FindClusters(data, verbose = FALSE)
done("clusters (Louvain)")
data <- RunUMAP(data, dims = 1:30, verbose = FALSE)
done("UMAP")
write.table(data.frame(cell = colnames(data), leiden = Idents(data)), place[3],
            sep = "\t", quote = FALSE, row.names = FALSE)
write.table(steps, place[2], sep = "\t", quote = FALSE, row.names = FALSE)
