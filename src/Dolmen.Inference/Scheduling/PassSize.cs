namespace Dolmen.Inference;

/// <summary>How many rows a pass may have to take about so long, learned from the passes before. What texts say does not depend on
/// it.</summary>
internal sealed class PassSize(LanguageModel model, double seconds)
{
    private const int Least = 8, Most = DecoderBody.MaxRows;

    /// <summary>Passes of fewer rows are bound by reading the weights and say nothing of more.</summary>
    private const int Telling = 8;

    /// <summary>Before anything is measured: a modest processor.</summary>
    private const double FirstFlopsPerSecond = 3e10;

    private const double Weight = 0.3;

    private double _secondsPerRow = 2.0 * model.Config.ActiveParameters / FirstFlopsPerSecond;

    public int Rows => (int)Math.Clamp(seconds / _secondsPerRow, Least, Most);

    /// <summary>The next pass of some texts: the next token of every one that is being written; the rest is shared among the
    /// prompts.</summary>
    public List<PlannedSlice> Share(List<GeneratingSequence> texts)
    {
        var reading = texts.FindAll(text => !text.IsWriting).OrderBy(text => text.Pending).ToList();
        var left = Math.Max(reading.Count, Rows - (texts.Count - reading.Count));
        var plan = new List<PlannedSlice>(texts.Count);
        plan.AddRange(texts.Where(text => text.IsWriting).Select(text => new PlannedSlice(text, text.Next(text.Pending))));
        foreach (var (i, text) in reading.Index())
        {
            // Short prompts first, so that what they leave goes to the longer ones.
            var slice = text.Next(Math.Max(1, left / (reading.Count - i)));
            plan.Add(new PlannedSlice(text, slice));
            left -= slice.Tokens.Length;
        }
        return plan;
    }

    public void Measured(int rows, double took)
    {
        if (rows < Telling) return;
        // A slow pass counts at once, a quick one little by little: streams wait for what is read beside them.
        var now = took / rows;
        _secondsPerRow = now > _secondsPerRow ? now : _secondsPerRow + Weight * (now - _secondsPerRow);
    }
}
