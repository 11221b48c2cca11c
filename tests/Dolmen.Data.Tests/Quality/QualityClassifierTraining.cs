using Dolmen.Artifacts;
using Dolmen.Data.Filters;
using Dolmen.Data.Quality;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Data.Quality;

public sealed class QualityClassifierTraining : IDisposable
{
    private static readonly QualitySettings Small = new(Bits: 16);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Two_domains_are_told_apart_and_the_words_that_do_it_are_named()
    {
        var report = Train("model.safetensors");
        Assert.True(report.HeldOut.Auc >= 0.95, $"AUC {report.HeldOut.Auc}");
        Assert.True(
            report.HeldOut.Accuracy >= 0.85 && report.HeldOut.F1 >= 0.85,
            $"accuracy {report.HeldOut.Accuracy}, F1 {report.HeldOut.F1}"
        );
        Assert.Equal(TwoDomains.GoodWords.Order(), report.Good.Take(5).Select(n => n.Ngram).Order());
        Assert.Equal(TwoDomains.RawWords.Order(), report.Raw.Take(5).Select(n => n.Ngram).Order());
        Assert.Equal(800, report.Trained + report.Calibrated + report.HeldOut.Documents);
    }

    [Fact]
    public void Calibration_lowers_the_log_loss_of_documents_it_has_not_seen()
    {
        var report = Train("model.safetensors");
        Assert.True(
            report.HeldOut.LogLoss < report.Uncalibrated.LogLoss,
            $"{report.HeldOut.LogLoss} after, {report.Uncalibrated.LogLoss} before"
        );
        Assert.Equal(report.Uncalibrated.Auc, report.HeldOut.Auc, 12);
        Assert.All(report.HeldOut.Reliability, bin => Assert.InRange(bin.Mean, bin.From, bin.To));
    }

    [Fact]
    public void The_order_of_the_texts_does_not_change_the_file()
    {
        Train("one.safetensors");
        foreach (var name in (string[])["good.jsonl", "raw.jsonl"])
        {
            var path = In(name);
            File.WriteAllLines(path, File.ReadAllLines(path).Reverse());
        }
        Train("two.safetensors", prepare: false);
        Assert.Equal(File.ReadAllBytes(In("one.safetensors")), File.ReadAllBytes(In("two.safetensors")));
    }

    [Fact]
    public void A_saved_model_scores_as_a_filter_and_says_why()
    {
        Train("model.safetensors");
        var model = QualityModel.Load(In("model.safetensors"));
        var filter = new QualityClassifier(model, 0.5);
        var (good, raw) = (Measured(filter, TwoDomains.Text(true, 9001)), Measured(filter, TwoDomains.Text(false, 9001)));
        Assert.True(good > 0.5 && raw < 0.5, $"{good} and {raw}");
        var rule = Assert.Single(filter.Rules("en"));
        Assert.Equal(("quality.min", 0.5), (rule.Reason, rule.Threshold));
        Assert.True(rule.Breaks(raw));
        Assert.False(rule.Breaks(0.5));
        Assert.Equal(["quality_score"], filter.Measures);

        var why = model.Explain("Casino common casino theorem casino", 2);
        Assert.Equal(["casino", "theorem"], why.Select(w => w.Ngram));
        Assert.True(why[0].Weight < 0 && why[1].Weight > 0);
        Assert.True(double.IsNaN(Measured(filter, " \n… !")));
    }

    [Fact]
    public void Scores_from_0_to_5_are_good_from_3_on()
    {
        var rows = Enumerable.Range(0, 600).Select(i => $"{{\"text\":\"{TwoDomains.Text(i % 6 >= 3, i)}\",\"label\":{i % 6}}}");
        File.WriteAllLines(In("labelled.jsonl"), rows);
        var report = QualityTraining.FromLabels(In("labelled.jsonl"), In("model.safetensors"), Small, 0, CorpusFixture.NoProgress, default);
        Assert.Equal((3.0, 300, 300, false), (report.Settings.PositiveFrom, report.GoodUsed, report.RawUsed, report.Balanced));
        Assert.True(report.HeldOut.Auc >= 0.95, $"AUC {report.HeldOut.Auc}");
    }

    [Fact]
    public void Characters_are_the_features_where_no_spaces_are_written()
    {
        TwoDomains.Write(In("good.jsonl"), Enumerable.Range(0, 200).Select(i => Chinese("花崗岩", i)));
        TwoDomains.Write(In("raw.jsonl"), Enumerable.Range(0, 200).Select(i => Chinese("優惠券", i)));
        var report = QualityTraining.FromSets(
            [In("good.jsonl")],
            [In("raw.jsonl")],
            In("model.safetensors"),
            Small,
            0,
            CorpusFixture.NoProgress,
            default
        );
        Assert.True(report.HeldOut.Auc >= 0.99);
        Assert.Contains("花崗岩", report.Good.Take(6).Select(n => n.Ngram));
        Assert.Contains("優惠", report.Raw.Take(6).Select(n => n.Ngram));

        static string Chinese(string planted, int number)
        {
            var random = new StableRandom((ulong)number);
            return string.Concat(Enumerable.Range(0, 30).Select(_ => (char)(0x4E00 + random.Next(200)))) + planted;
        }
    }

    [Fact]
    public void Too_few_texts_are_refused_and_what_both_sets_hold_is_left_out()
    {
        TwoDomains.WriteSets(_folder.Path, 20);
        var few = Assert.Throws<UserErrorException>(() => Train("model.safetensors", prepare: false));
        Assert.Contains("there are 20 distinct good texts: a classifier needs 30", few.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(In("model.safetensors")));

        TwoDomains.WriteSets(_folder.Path, 100);
        File.AppendAllLines(In("raw.jsonl"), File.ReadAllLines(In("good.jsonl")).Take(7));
        var report = Train("model.safetensors", prepare: false);
        Assert.Equal((7, 93, 100), (report.Conflicting, report.GoodUsed, report.RawUsed));
    }

    [Theory]
    [InlineData(0, "EndOfStream or shorter")]
    [InlineData(6, "cut inside the length")]
    [InlineData(300, "cut inside the header")]
    [InlineData(-4, "cut inside the weights")]
    public void A_model_cut_short_is_the_users_error(int length, string where)
    {
        Train("model.safetensors");
        var bytes = File.ReadAllBytes(In("model.safetensors"));
        File.WriteAllBytes(In("cut.safetensors"), bytes[..(length < 0 ? bytes.Length + length : length)]);
        var error = Assert.Throws<UserErrorException>(() => QualityModel.Load(In("cut.safetensors")));
        Assert.True(error.Message.Contains("is not a readable quality classifier", StringComparison.Ordinal), where);
    }

    [Theory]
    [InlineData("quality-classifier", "quality-classifieR")]
    [InlineData("\\u0022bits\\u0022:16", "\\u0022bits\\u0022:15")]
    [InlineData("\\u0022bits\\u0022:16", "\\u0022bits\\u0022:26")]
    [InlineData("F32", "F64")]
    [InlineData("65536", "65537")]
    [InlineData("{", "[")]
    public void A_header_that_lies_is_the_users_error(string part, string lie)
    {
        Train("model.safetensors");
        var text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(In("model.safetensors")));
        var changed = text.Replace(part, lie, StringComparison.Ordinal);
        Assert.NotEqual(text, changed);
        File.WriteAllBytes(In("lying.safetensors"), System.Text.Encoding.Latin1.GetBytes(changed));
        Assert.Throws<UserErrorException>(() => QualityModel.Load(In("lying.safetensors")));
    }

    [Fact]
    public void Weights_that_are_no_numbers_and_a_missing_file_are_the_users_error()
    {
        Train("model.safetensors");
        var bytes = File.ReadAllBytes(In("model.safetensors"));
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.NaN);
        File.WriteAllBytes(In("nan.safetensors"), bytes);
        Assert.Throws<UserErrorException>(() => QualityModel.Load(In("nan.safetensors")));
        Assert.Throws<UserErrorException>(() => QualityModel.Load(In("none.safetensors")));
    }

    [Fact]
    public void The_area_under_the_curve_counts_pairs_in_order_and_ties_half()
    {
        // Pairs (good, other): 0.9>0.4, 0.9>0.5, 0.5>0.4, 0.5=0.5 → 3.5 of 4.
        Assert.Equal(3.5 / 4, Judgement.AreaUnderCurve([0.9, 0.5, 0.4, 0.5], [true, true, false, false]), 12);
        var judged = Judgement.Of([0.9, 0.4, 0.2, 0.8], [true, true, false, false], [1, 1, 1, 1]);
        Assert.Equal((0.5, 0.5, 0.5), (judged.Accuracy, judged.Precision, judged.F1));
        Assert.Equal((-Math.Log(0.9) - Math.Log(0.4) - Math.Log(0.8) - Math.Log(0.2)) / 4, judged.LogLoss, 12);
        Assert.Equal((0.1 + 0.6 + 0.2 + 0.8) / 4, judged.CalibrationError, 12);
    }

    [Fact]
    public void Calibration_finds_the_slope_that_made_the_labels()
    {
        var random = new StableRandom(5);
        var logits = Enumerable.Range(0, 20_000).Select(_ => random.NextNormal() * 2).ToArray();
        var good = logits.Select(l => random.NextDouble() < Calibration.Sigmoid((2.5 * l) - 1)).ToArray();
        var found = Calibration.Fit(logits, good, [.. logits.Select(_ => 1.0)]);
        Assert.Equal(2.5, found.Slope, 0.15);
        Assert.Equal(-1, found.Intercept, 0.1);
    }

    private QualityReport Train(string file, bool prepare = true)
    {
        if (prepare) TwoDomains.WriteSets(_folder.Path);
        return QualityTraining.FromSets([In("good.jsonl")], [In("raw.jsonl")], In(file), Small, 0, CorpusFixture.NoProgress, default);
    }

    private static double Measured(QualityClassifier filter, string text)
    {
        Span<double> values = stackalloc double[1];
        filter.Measure(TextView.Of(text, "en"), "en", values);
        return values[0];
    }

    private string In(string name) => Path.Combine(_folder.Path, name);
}
