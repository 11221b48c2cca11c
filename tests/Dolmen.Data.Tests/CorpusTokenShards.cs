using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Data;

public class CorpusTokenShards
{
    [Fact]
    public void Shards_hold_every_document_between_its_marks()
    {
        using var fixture = new CorpusFixture().ManyMembers();
        fixture.Build(new CorpusRecipe(HeldOutFraction: 0.1));
        var folder = Path.Combine(fixture.Root, "tokenizer");
        var documents = CorpusText.ReadDocuments(fixture.Output).ToList();
        var tokenizer = BpeTrainer.Train(documents, new TokenizerRecipe(VocabSize: 400), CorpusFixture.NoProgress, CancellationToken.None);
        TokenizerFolder.Save(tokenizer, folder);

        var output = Path.Combine(fixture.Root, "tokens");
        var counts = CorpusTokens.Pack(fixture.Output, folder, output, CorpusFixture.NoProgress, CancellationToken.None);

        Assert.Equal(documents, Texts("train.bin"));
        var heldOut = CorpusText.ReadHeldOut(fixture.Output).ToList();
        Assert.Equal(heldOut, Texts("val.bin"));
        Assert.Equal((documents.Count, heldOut.Count), (counts.TrainDocuments, counts.ValDocuments));
        Assert.Equal((documents.Count, documents.Count), (counts.Train?.Read, counts.Train?.Used));
        Assert.Equal((heldOut.Count, heldOut.Count), (counts.Val?.Read, counts.Val?.Used));
        Assert.Equal(heldOut.Sum(t => System.Text.Encoding.UTF8.GetByteCount(t)), counts.ValBytes);

        List<string> Texts(string file)
        {
            using var shard = TokenShard.Open(Path.Combine(output, file), tokenizer.VocabSize);
            var tokens = new int[shard.Length];
            shard.Read(0, tokens);
            var texts = new List<string>();
            for (var start = 0; start < tokens.Length;)
            {
                var end = Array.IndexOf(tokens, tokenizer.Special.Eos, start);
                Assert.Equal(tokenizer.Special.Bos, tokens[start]);
                texts.Add(tokenizer.Decode(tokens.AsSpan((start + 1)..end)));
                start = end + 1;
            }
            return texts;
        }
    }

    [Fact]
    public void A_folder_that_is_no_corpus_is_refused()
    {
        using var fixture = new CorpusFixture();
        var tokenizer = BpeTrainer.Train(
            ["some words"],
            new TokenizerRecipe(VocabSize: 300),
            CorpusFixture.NoProgress,
            CancellationToken.None
        );
        TokenizerFolder.Save(tokenizer, fixture.Root);
        Assert.Throws<UserErrorException>(() =>
            CorpusTokens.Pack(fixture.Root, fixture.Root, fixture.Output, CorpusFixture.NoProgress, CancellationToken.None)
        );
        Assert.False(Directory.Exists(fixture.Output));
    }
}
