using System.Runtime.InteropServices;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;

namespace Dolmen.Inference.Layers;

/// <summary>The tensors of a GGUF file as the engine takes them in: one is read at a time.</summary>
internal sealed class GgufWeights(GgufModel model)
{
    /// <summary>How a matrix is kept in memory unless asked otherwise. Q8_0, Q4_0 and bf16 stay what they are, and so does Q4_K, see
    /// <see cref="IsSuperBlocks"/>; F32 and F16 become float32: nothing is lost. The other quantised types become bf16, which moves a value
    /// by at most 1/512 of itself, an eighth of half a step of the finest of them (Q6_K, whose largest value is 32 steps).</summary>
    public WeightPrecision Stored(string tensor) => model.TypeOf(tensor) switch
    {
        GgmlType.Q80 => WeightPrecision.Int8,
        GgmlType.Q40 => WeightPrecision.Int4,
        GgmlType.F32 or GgmlType.F16 => WeightPrecision.Float32,
        _ => WeightPrecision.BFloat16,
    };

    /// <summary>Whether a tensor is stored as Q4_K, which <see cref="SuperBlockMatrix"/> keeps.</summary>
    public bool IsSuperBlocks(string tensor) => model.TypeOf(tensor) == GgmlType.Q4K;

    public ReadOnlyMemory<float> Read(string tensor) => model.Read(tensor);

    /// <summary>Of a tensor stored as Q8_0, Q4_0 or Q4_K, row-major: what <see cref="BlockMatrix.SetBlocks"/> and
    /// <see cref="SuperBlockMatrix.SetBlocks"/> take.</summary>
    /// <exception cref="Dolmen.Artifacts.UserErrorException">A scale is NaN or infinite.</exception>
    public ReadOnlyMemory<byte> Blocks(string tensor)
    {
        var blocks = model.ReadBlocks(tensor);
        var (bytes, halves) = model.TypeOf(tensor) switch
        {
            GgmlType.Q80 => (BlockCodes.Int8Bytes, 1),
            GgmlType.Q40 => (BlockCodes.Int4Bytes, 1),
            _ => (SuperBlockMatrix.FileBytes, 2),
        };
        var scales = new float[blocks.Length / bytes * halves];
        for (var i = 0; i < scales.Length; i++)
            scales[i] = (float)MemoryMarshal.Read<Half>(blocks.AsSpan(i / halves * bytes + i % halves * sizeof(ushort)));
        FiniteWeights.Require(model.File.Path, tensor, scales);
        return blocks;
    }
}
