using System.Globalization;
using System.Text.Json;

namespace Dolmen.Inference.Constraints.Json;

/// <summary>Numbers of a JSON schema: bounds and <c>multipleOf</c>, held digit by digit. At most 15 digits are written, so that a decimal
/// number and the double read from it compare alike.</summary>
internal static class SchemaNumbers
{
    private const int MaxDigits = 15;

    public static IReadOnlyList<string> Keywords { get; } = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];

    /// <param name="whole">Integers only, written without a fraction.</param>
    /// <param name="at">Where the schema stands, for messages.</param>
    public static Expression Read(JsonElement schema, bool whole, string at)
    {
        var low = Larger(Bound(schema, "minimum", false, at), Bound(schema, "exclusiveMinimum", true, at), sign: 1);
        var high = Larger(Bound(schema, "maximum", false, at), Bound(schema, "exclusiveMaximum", true, at), sign: -1);
        var step = Value(schema, "multipleOf", at);
        if (step <= 0) throw SchemaField.Problem(at, "'multipleOf' must be above 0");
        if (low is null && high is null && step is null) return whole ? JsonExpressions.Integer : JsonExpressions.Number;
        var zero = new Limit(0, Exclusive: false);
        var options = new List<Expression>();
        if (high is not { Value: < 0 })
            options.AddRange(Magnitudes(low is { Value: >= 0 } above ? above : zero, high, step, whole));
        if (low is not { Value: >= 0 })
        {
            // Minus zero is left out: not every reader keeps it.
            var nearest = high is { Value: < 0 } below ? below with { Value = -below.Value } : zero with { Exclusive = true };
            var farthest = low is { } bound ? bound with { Value = -bound.Value } : null;
            options.AddRange(Magnitudes(nearest, farthest, step, whole)
                .Select(magnitude => new Expression.Sequence([Expression.Text("-"), magnitude])));
        }
        return options.Count > 0 ? new Expression.Choice(options)
            : throw SchemaField.Problem(at, $"no number of at most {MaxDigits} digits satisfies its bounds and 'multipleOf' together");
    }

    /// <summary>Numbers without a sign between the limits, for each number of digits before the point.</summary>
    private static IEnumerable<Expression> Magnitudes(Limit low, Limit? high, decimal? step, bool whole)
    {
        for (var digits = 1; digits <= MaxDigits; digits++)
        {
            if (low.Digits > digits || high?.Digits < digits) continue;
            var automaton = new DigitPlaces(digits, low, high, step ?? 0, whole ? 0 : MaxDigits - digits).Automaton();
            if (!automaton.AcceptsNothing) yield return new Expression.Accepted(automaton, InJsonString: false);
        }
    }

    /// <summary>The stricter of the two.</summary>
    private static Limit? Larger(Limit? first, Limit? second, int sign)
    {
        if (first is null || second is null) return first ?? second;
        var order = first.Value.CompareTo(second.Value) * sign;
        return order > 0 || (order == 0 && first.Exclusive) ? first : second;
    }

    private static Limit? Bound(JsonElement schema, string key, bool exclusive, string at) =>
        Value(schema, key, at) is { } value ? new Limit(value, exclusive) : null;

    private static decimal? Value(JsonElement schema, string key, string at)
    {
        if (!schema.TryGetProperty(key, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Number
            && decimal.TryParse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && Math.Abs(number) < 1e24m)
        {
            return number;
        }
        throw SchemaField.Problem(at, $"'{key}' must be a number between -1e24 and 1e24");
    }

    /// <param name="Value">Not negative once it bounds a magnitude.</param>
    internal sealed record Limit(decimal Value, bool Exclusive)
    {
        private string Text { get; } = Math.Abs(Value).ToString("0.############################", CultureInfo.InvariantCulture);

        private string Whole => Text.Split('.')[0];

        private string Fraction => Text.Contains('.') ? Text.Split('.')[1] : "";

        /// <summary>Digits before the point.</summary>
        public int Digits => Whole.Length;

        /// <summary>The digit at a place before the point, from the left.</summary>
        public int WholeDigit(int place) => Whole[place] - '0';

        public int FractionDigit(int place) => place < Fraction.Length ? Fraction[place] - '0' : 0;

        /// <summary>Nothing but zeros from this place after the point on.</summary>
        public bool EndsAt(int place) => place >= Fraction.Length;
    }
}
