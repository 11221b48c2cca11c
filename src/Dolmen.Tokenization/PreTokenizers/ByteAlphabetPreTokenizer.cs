using System.Buffers;
using System.Text.Json;

namespace Dolmen.Tokenization;

/// <summary>
/// A step that Hugging Face's sequences have behind ByteLevel: it sees the characters that stand for bytes, not the text. Some are
/// digits or punctuation where the text has none (Falcon's digits cut letters apart whose bytes are written ², ³, ¹, ¼, ½ or ¾).
/// </summary>
internal sealed class ByteAlphabetPreTokenizer(PreTokenizer inner) : PreTokenizer
{
    public override string Pattern => inner.Pattern;

    internal override void Write(Utf8JsonWriter json) => inner.Write(json);

    public override void Split(ReadOnlySpan<byte> text, List<int> ends)
    {
        var rented = ArrayPool<byte>.Shared.Rent(2 * text.Length);
        var count = 0;
        foreach (var value in text)
        {
            var letter = ByteAlphabet.CharOf(value);
            if (letter < 0x80) rented[count++] = (byte)letter;
            else
            {
                rented[count++] = (byte)(0xC0 | letter >> 6);
                rented[count++] = (byte)(0x80 | letter & 0x3F);
            }
        }
        var first = ends.Count;
        inner.Split(rented.AsSpan(0, count), ends);
        var (written, read) = (0, 0);
        for (var i = first; i < ends.Count; i++)
        {
            for (; written < EndOf(ends[i]); read++) written += ByteAlphabet.CharOf(text[read]) < 0x80 ? 1 : 2;
            ends[i] = ends[i] < 0 ? ~read : read;
        }
        ArrayPool<byte>.Shared.Return(rented);
    }
}
