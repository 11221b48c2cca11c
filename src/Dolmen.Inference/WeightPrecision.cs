namespace Dolmen.Inference;

/// <summary>How an engine keeps the matrices of a model in memory. Everything else (norms, biases, convolutions, states) is
/// float32, and so are a mixture's routers and matrices with fewer than 32 inputs where eight or four bits are asked for.</summary>
public enum WeightPrecision
{
    /// <summary>As the file has them: bfloat16 where all parts of a matrix are, the blocks of a GGUF file's Q8_0 and Q4_0, bfloat16 for its
    /// other quantised types, otherwise float32.</summary>
    Stored,
    Float32,
    BFloat16,

    /// <summary>Eight bits and a scale for each 32 weights, as ggml's Q8_0; inputs are rounded to eight bits too.</summary>
    Int8,

    /// <summary>Four bits and a scale for each 32 weights, as ggml's Q4_0; embeddings and the head stay at eight bits.</summary>
    Int4,
}
