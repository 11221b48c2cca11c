namespace Dolmen.Modeling.Kernels;

/// <summary>What a causal kernel walks from an empty state: the rows of a batch, or the segments of packed rows.</summary>
/// <param name="Segments">Null where every row is one sequence.</param>
internal readonly record struct Sequences(int Batch, int Length, Segments? Segments)
{
    public int Count => Segments?.Count ?? Batch;

    /// <summary>Chunks of <see cref="ScanShape.Chunk"/> positions in all sequences.</summary>
    public long Chunks => Segments?.FirstChunks[^1] ?? (long)Batch * ChunksOf(Length);

    /// <summary>The first position of a sequence, counted through all rows.</summary>
    public long FirstPosition(int sequence) => Segments?.FirstPosition(sequence) ?? (long)sequence * Length;

    public int LengthOf(int sequence) => Segments?.All[sequence].Length ?? Length;

    public static int ChunksOf(int length) => (length + ScanShape.Chunk - 1) / ScanShape.Chunk;

    /// <summary>The first chunk of a sequence, counted through all sequences.</summary>
    public long FirstChunk(int sequence) => Segments?.FirstChunks[sequence] ?? (long)sequence * ChunksOf(Length);
}
