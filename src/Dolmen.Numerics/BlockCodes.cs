namespace Dolmen.Numerics;

/// <summary>Rounds blocks of 32 weights as ggml does (ggml-quants.c, quantize_row_q8_0_ref and quantize_row_q4_0_ref).</summary>
internal static class BlockCodes
{
    /// <summary>A block of 32 in a GGUF file: its scale, float16, and its codes.</summary>
    public const int Int8Bytes = 2 + 32, Int4Bytes = 2 + 16;

    /// <summary>Codes from −127 to 127.</summary>
    /// <returns>What a code is multiplied by.</returns>
    public static Half Int8(ReadOnlySpan<float> values, Span<int> codes)
    {
        var largest = 0f;
        foreach (var value in values) largest = Math.Max(largest, Math.Abs(value));
        var scale = largest / 127;
        var inverse = scale != 0 ? 1 / scale : 0;
        for (var i = 0; i < values.Length; i++) codes[i] = (int)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
        return (Half)scale;
    }

    /// <summary>Codes from −8 to 7; the value that is largest in size becomes −8.</summary>
    /// <returns>What a code is multiplied by.</returns>
    public static Half Int4(ReadOnlySpan<float> values, Span<int> codes)
    {
        var extreme = 0f;
        foreach (var value in values)
        {
            if (Math.Abs(value) > Math.Abs(extreme)) extreme = value;
        }
        var scale = extreme / -8;
        var inverse = scale != 0 ? 1 / scale : 0;
        for (var i = 0; i < values.Length; i++) codes[i] = Math.Min(15, (int)(values[i] * inverse + 8.5f)) - 8;
        return (Half)scale;
    }
}
