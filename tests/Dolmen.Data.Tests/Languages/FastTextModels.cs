using System.Buffers.Binary;
using System.Globalization;
using Dolmen.Artifacts;
using Dolmen.Data.Languages;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Languages;

/// <summary>The models were trained with fastText 0.9.2 on articles of the Universal Declaration of Human Rights, and the predictions are
/// its own.</summary>
public class FastTextModels
{
    [Theory]
    [InlineData("softmax.bin")]
    [InlineData("ova.bin")]
    [InlineData("tree.ftz")]
    [InlineData("wide.ftz")]
    public void Predictions_are_those_of_fastText(string name)
    {
        var model = FastTextModel.Load(Golden(name));
        var expected = File.ReadAllLines(Golden(name + ".txt"));
        var lines = File.ReadAllLines(Golden("lines.txt"));
        Assert.Equal(lines.Length, expected.Count(line => line.Length > 0));
        var best = new LabelScore[3];
        for (var i = 0; i < lines.Length; i++)
        {
            var fields = expected[i].Split(' ');
            Assert.Equal(fields.Length / 2, model.Predict(lines[i], best));
            for (var k = 0; k < fields.Length / 2; k++)
            {
                var probability = float.Parse(fields[2 * k + 1], CultureInfo.InvariantCulture);
                Assert.Equal(probability, best[k].Probability, 1e-5f);
                // Labels of no probability tie at fastText's floor, and its heap leaves them in no order.
                if (probability > 1.1e-5f) Assert.Equal(fields[2 * k], model.Labels[best[k].Label]);
            }
        }
    }

    [Fact]
    public void A_model_cut_off_anywhere_is_named_in_the_error()
    {
        var bytes = File.ReadAllBytes(Golden("tree.ftz"));
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "cut.ftz");
        for (var length = 0; length < bytes.Length; length += length < 200 ? 7 : 4001)
        {
            File.WriteAllBytes(path, bytes.AsSpan(0, length));
            Assert.Contains(path, Assert.Throws<UserErrorException>(() => FastTextModel.Load(path)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("tree.ftz")]
    [InlineData("ova.bin")]
    public void A_model_with_changed_bytes_loads_and_predicts_or_is_refused(string name)
    {
        var bytes = File.ReadAllBytes(Golden(name));
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, name);
        var best = new LabelScore[2];
        for (var at = 0; at < 300; at += 11)
        {
            foreach (var value in (ReadOnlySpan<int>)[-1, 0, 1, int.MaxValue, int.MinValue])
            {
                var changed = bytes.ToArray();
                BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(at), value);
                File.WriteAllBytes(path, changed);
                try
                {
                    FastTextModel.Load(path).Predict("All human beings are born free", best);
                }
                catch (UserErrorException error)
                {
                    Assert.Contains(path, error.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void An_identifier_says_the_language_with_a_score_and_nothing_of_a_text_without_letters()
    {
        var identifier = new FastTextIdentifier(FastTextModel.Load(Golden("tree.ftz")));
        var guess = identifier.Identify("모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.");
        Assert.Equal("ko", guess.Language);
        Assert.InRange(guess.Score, 0.5, 1);
        Assert.Equal(LanguageGuess.Unknown, identifier.Identify("1234 -- 5678"));
    }

    [Fact]
    public void The_end_of_line_token_within_a_text_does_not_end_it()
    {
        var model = FastTextModel.Load(Golden("softmax.bin"));
        var (plain, marked) = (new LabelScore[1], new LabelScore[1]);
        model.Predict("모든 인간은 자유로우며 동등하다", plain);
        model.Predict("</s> 모든 인간은 </s> 자유로우며 동등하다", marked);
        Assert.Equal(plain, marked);
    }

    /// <summary>The built-in identification knows better of some of these lines, and of Greek by its script.</summary>
    [Theory]
    [InlineData("softmax.bin")]
    [InlineData("tree.ftz")]
    public void What_is_stored_of_a_text_is_the_label_and_the_probability_of_the_model(string name)
    {
        var identifier = LanguageIdentifiers.Load(Golden(name));
        var (lines, expected) = (File.ReadAllLines(Golden("lines.txt")), File.ReadAllLines(Golden(name + ".txt")));
        var builtIn = LanguageIdentifiers.Load();
        var (compared, overruled) = (0, 0);
        for (var i = 0; i < lines.Length; i++)
        {
            // A longer line is cut to a sample, and a text without letters has no language.
            if (lines[i].Length is < 30 or > 1000 || !lines[i].Any(char.IsLetter)) continue;
            var fields = expected[i].Split(' ');
            var guess = identifier.Identify(lines[i]);
            Assert.Equal(fields[0], guess.Language);
            Assert.Equal(Math.Min(1, double.Parse(fields[1], CultureInfo.InvariantCulture)), guess.Score, 1e-5);
            compared++;
            if (Math.Abs(builtIn.Identify(lines[i]).Score - guess.Score) > 1e-3) overruled++;
        }
        Assert.True(compared > 30 && overruled > 10, $"{compared} lines, {overruled} of them with another score built in");
        Assert.NotEqual("el", identifier.Identify("Το πλοίο άργησε πάλι").Language);
    }

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Languages", "Goldens", "fasttext-" + name);
}
