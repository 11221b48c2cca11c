using System.Text;
using System.Text.Json;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

/// <summary>Unigram with normalization rules and byte pieces, against ids that sentencepiece gave (Goldens/README.md).</summary>
public class SentencePieceModelTests
{
    private static readonly JsonElement Golden = JsonDocument
        .Parse(File.ReadAllText(Path.Combine(Samples.Goldens, "sentencepiece", "unigram.json")))
        .RootElement;

    private static readonly byte[] Model = Bytes();

    private static readonly SentencePieceTokenizer Tokenizer = SentencePieceModel.Parse(Model, "small.model");

    [Fact]
    public void Texts_encode_to_the_ids_of_sentencepiece()
    {
        foreach (var row in Golden.GetProperty("texts").EnumerateArray())
        {
            int[] ids = [.. row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            var text = row.GetProperty("text").GetString() ?? "";
            Assert.True(
                ids.SequenceEqual(Tokenizer.Encode(text)),
                $"'{text}': {string.Join(' ', Tokenizer.Encode(text))}, not {string.Join(' ', ids)}"
            );
        }
    }

    [Fact]
    public void A_saved_tokenizer_is_the_same_when_loaded()
    {
        using var folder = new Samples.Folder();
        TokenizerFolder.Save(Tokenizer, folder.Path);
        var loaded = Assert.IsType<UnigramTokenizer>(TokenizerFolder.Load(folder.Path));
        Assert.Equal(Tokenizer.Special, loaded.Special);
        foreach (var row in Golden.GetProperty("texts").EnumerateArray())
        {
            var text = row.GetProperty("text").GetString() ?? "";
            // Hugging Face's steps put a space behind every added token, SentencePiece only before the text.
            if (!text.Contains("<sep>", StringComparison.Ordinal) && !text.Contains('▁'))
                Assert.Equal(Tokenizer.Encode(text), loaded.Encode(text));
        }
    }

    [Fact]
    public void The_pieces_together_are_the_decoded_text() => Gen.Int[0, Tokenizer.VocabSize - 1].Array[0, 60].Sample(tokens =>
    {
        var decoder = new StreamingDecoder(Tokenizer, skipSpecial: false);
        return string.Concat(tokens.Select(decoder.Add)) + decoder.Flush() == Tokenizer.Decode(tokens);
    });

    [Fact]
    public void Text_without_spaces_to_drop_comes_back() =>
        Gen.OneOf(Gen.Char['!', '~'], Gen.Char['\u0400', '\u04FF'], Gen.Char['一', '龥'])
            .Array[1, 40]
            .Select(units => new string(units))
            .Sample(text => Tokenizer.Decode(Tokenizer.Encode(text)) == text);

    [Fact]
    public void A_model_cut_short_is_refused()
    {
        for (var length = 0; length < Model.Length; length += 61)
        {
            // A cut between two messages leaves a model of fewer pieces, which is one.
            try
            {
                Assert.True(SentencePieceModel.Parse(Model.AsSpan(0, length), "cut").VocabSize < Tokenizer.VocabSize || length > 11_000);
            }
            catch (UserErrorException error)
            {
                Assert.Contains("cut", error.Message);
            }
        }
    }

    [Fact]
    public void A_damaged_model_is_read_or_the_users_error() =>
        Gen.Select(Gen.Int[0, Model.Length - 1], Gen.Byte)
            .Array[1, 4]
            .Sample(
                changes =>
                {
                    var damaged = Model.ToArray();
                    foreach (var (at, value) in changes)
                        damaged[at] = value;
                    try
                    {
                        SentencePieceModel.Parse(damaged, "damaged").Encode("the end ① ﬁnd");
                    }
                    catch (UserErrorException)
                    {
                        return true;
                    }
                    return true;
                },
                iter: 300
            );

    private static byte[] Bytes()
    {
        using var stream = new MemoryStream();
        var pieces = Golden.GetProperty("pieces");
        for (var id = 0; id < pieces.GetArrayLength(); id++)
        {
            Message(
                stream,
                1,
                [
                    .. Text(1, Encoding.UTF8.GetBytes(pieces[id].GetString() ?? "")),
                    2 << 3 | 5,
                    .. BitConverter.GetBytes(Golden.GetProperty("scores")[id].GetSingle()),
                    3 << 3,
                    (byte)Golden.GetProperty("kinds")[id].GetInt32(),
                ]
            );
        }
        Message(stream, 2, [3 << 3, 1]);
        Message(stream, 3, [.. Text(2, Golden.GetProperty("map").GetBytesFromBase64()), 3 << 3, 1, 4 << 3, 1, 5 << 3, 1]);
        return stream.ToArray();
    }

    private static void Message(MemoryStream stream, int field, byte[] bytes) => stream.Write(Text(field, bytes));

    private static byte[] Text(int field, byte[] bytes)
    {
        var head = new List<byte> { (byte)(field << 3 | 2) };
        for (var length = bytes.Length; ; length >>= 7)
        {
            head.Add((byte)(length > 127 ? length & 127 | 128 : length));
            if (length <= 127) return [.. head, .. bytes];
        }
    }
}
