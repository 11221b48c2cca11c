namespace Dolmen.Numerics;

/// <summary>How blocks of 32 weights are kept: as ggml's Q8_0 (eight bits and a scale, 34 bytes) or Q4_0 (four bits and a scale, 18
/// bytes).</summary>
internal enum BlockFormat { Int8, Int4 }
