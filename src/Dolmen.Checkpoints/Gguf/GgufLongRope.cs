using Dolmen.Artifacts;

namespace Dolmen.Checkpoints.Gguf;

/// <summary>Positions whose factors change with the length of the text: two tensors, which llama.cpp reads in its architecture 'llama'
/// where the kind is named 'longrope'. It takes the long ones as soon as its context is longer than the original one.</summary>
internal static class GgufLongRope
{
    public const string Kind = "longrope", LongTensor = "rope_factors_long.weight", ShortTensor = "rope_factors_short.weight";

    /// <summary>llama.cpp's architectures with these tensors, of those that are common.</summary>
    private const string Architectures = "'llama', 'phi3', 'phimoe', 'minicpm', 'minicpm3' and 'granite'";

    /// <exception cref="UserErrorException">The tensors are there and llama.cpp would not read them, or the other way round.</exception>
    public static void Check(GgufFile file, string architecture, string kind)
    {
        var tensor = Array.Find((string[])[LongTensor, ShortTensor], name => file.Find(name) is not null);
        if (tensor is not null && kind != Kind)
        {
            throw new UserErrorException(
                $"'{file.Path}' holds the tensor '{tensor}', but {architecture}.rope.scaling.type is not '{Kind}': "
                    + "nothing says when its factors are to be taken. Convert or fetch the model again."
            );
        }
        if (kind == Kind && architecture != "llama")
        {
            throw new UserErrorException(
                $"'{file.Path}': {architecture}.rope.scaling.type is '{Kind}': llama.cpp reads factors for long and short "
                    + $"texts in the architectures {Architectures}, and Dolmen in 'llama'. Take the model's Hugging Face folder instead "
                    + $"('dolmen model pull')."
            );
        }
    }

    /// <param name="factor">All frequencies are divided by it as well.</param>
    public static LongRopeScaling Read(GgufFile file, double factor, double magnitude, int headDim, int contextLength)
    {
        const string key = "llama.rope.scaling.original_context_length";
        var original = file.Metadata.FindInt32(key) ?? contextLength;
        if (original < 1) throw file.Metadata.Refusal(key, $"is {original}", "it must be at least 1");
        return new LongRopeScaling((double)contextLength / original, original, Factors(ShortTensor), Factors(LongTensor), magnitude);

        // A list that is left out changes nothing.
        double[] Factors(string name) => file.Find(name) is null ? [.. Enumerable.Repeat(factor, headDim / 2)]
            : [.. GgufRotary.Factors(file, name, headDim).Select(value => GgufRotary.Shortest(value) * factor)];
    }

    public static IEnumerable<(string Key, GgufValue Value)> Write(string architecture, LongRopeScaling scaling)
    {
        // The factor is left out: llama.cpp would divide by it once more.
        yield return ($"{architecture}.rope.scaling.type", GgufValue.Of(Kind));
        yield return ($"{architecture}.rope.scaling.original_context_length", GgufValue.Of((uint)scaling.OriginalContext));
        yield return ($"{architecture}.rope.scaling.attn_factor", GgufValue.Of((float)scaling.Magnitude));
    }

    /// <summary>Why the architecture cannot have them; null where it can.</summary>
    public static string? Problem(string architecture) => architecture == "llama" ? null
        : $"llama.cpp reads factors for long and short texts (longrope) in the architectures {Architectures}, not in '{architecture}'";

    public static IEnumerable<(string Name, float[] Values)> Tensors(LongRopeScaling scaling) =>
        [
            (LongTensor, [.. scaling.LongFactor.Select(value => (float)value)]),
            (ShortTensor, [.. scaling.ShortFactor.Select(value => (float)value)]),
        ];
}
