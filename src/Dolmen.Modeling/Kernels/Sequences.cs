namespace Dolmen.Modeling.Kernels;

/// <summary>What a causal kernel walks from an empty state: the rows of a batch, or the segments of packed rows.</summary>
/// <param name="Segments">Null where every row is one sequence.</param>
internal readonly record struct Sequences(int Batch, int Length, Segments? Segments)
{
    public int Count => Segments?.Count ?? Batch;

    /// <summary>Chunks of <see cref="ScanShape.Chunk"/> positions in all sequences.</summary>
    public long Chunks => Segments?.FirstChunks[^1] ?? (long)Batch * ChunksOf(Length);

    /// <summary>A sequence's first position and first chunk, counted through all sequences, and its number of positions.</summary>
    public (long Position, int Length, long FirstChunk) this[int sequence] => Segments is null
        ? ((long)sequence * Length, Length, (long)sequence * ChunksOf(Length))
        : (Segments.FirstPosition(sequence), Segments.All[sequence].Length, Segments.FirstChunks[sequence]);

    public static int ChunksOf(int length) => (length + ScanShape.Chunk - 1) / ScanShape.Chunk;
}
