using Limit = Dolmen.Inference.Constraints.Json.SchemaNumbers.Limit;

namespace Dolmen.Inference.Constraints.Json;

/// <summary>Decimal numbers with a given number of digits before the point: read digit by digit, remembering whether the number still
/// equals the beginning of a limit, and the remainder.</summary>
/// <param name="step">What the number must be a multiple of; 0 for no such rule.</param>
/// <param name="places">Most digits after the point.</param>
internal sealed class DigitPlaces(int digits, Limit low, Limit? high, decimal step, int places)
{
    private static readonly CodePoints[] Digit = [.. Enumerable.Range('0', 10).Select(CodePoints.Of)];

    private readonly bool _lowInReach = low.Digits == digits;
    private readonly bool _highInReach = high?.Digits == digits;
    private readonly int _scale = Scale(step);                           // digits of the step after its point

    private static int Scale(decimal step) => step == 0 ? 0 : (step / 1.000000000000000000000000000000m).Scale;

    private decimal Modulus => step * Power(_scale);

    public CharacterAutomaton Automaton() => CharacterAutomaton.Explore(
        new Place(0, -1, _lowInReach, _highInReach, 0), Steps, Accepts);

    private IEnumerable<(CodePoints Set, Place Target)> Steps(Place place)
    {
        var whole = place.Fraction < 0;
        if (whole && place.Read == digits)
        {
            if (MostPlaces > 0) yield return (CodePoints.Of('.'), place with { Fraction = 0 });
            yield break;
        }
        if (!whole && place.Fraction == MostPlaces) yield break;
        for (var digit = 0; digit <= 9; digit++)
        {
            if (whole && place.Read == 0 && digits > 1 && digit == 0) continue;
            var (equalsLow, equalsHigh) = (place.EqualsLow, place.EqualsHigh);
            if (equalsLow)
            {
                var limit = whole ? low.WholeDigit(place.Read) : low.FractionDigit(place.Fraction);
                if (digit < limit) continue;
                equalsLow = digit == limit;
            }
            if (equalsHigh)
            {
                var limit = whole ? high!.WholeDigit(place.Read) : high!.FractionDigit(place.Fraction);
                if (digit > limit) continue;
                equalsHigh = digit == limit;
            }
            var remainder = step == 0 ? 0 : (place.Remainder * 10 + digit) % Modulus;
            yield return (Digit[digit], whole ? new Place(place.Read + 1, -1, equalsLow, equalsHigh, remainder)
                : new Place(place.Read, place.Fraction + 1, equalsLow, equalsHigh, remainder));
        }
    }

    private int MostPlaces => step == 0 ? places : Math.Min(places, _scale);

    private bool Accepts(Place place)
    {
        if (place.Read < digits || place.Fraction == 0) return false;
        var written = Math.Max(place.Fraction, 0);
        // The number equals the beginning of the limit: it is the limit itself only if nothing but zeros follow there.
        if (place.EqualsLow && (!low.EndsAt(written) || low.Exclusive)) return false;
        if (place.EqualsHigh && high!.EndsAt(written) && high.Exclusive) return false;
        return step == 0 || place.Remainder * Power(_scale - written) % Modulus == 0;
    }

    private static decimal Power(int exponent)
    {
        var power = 1m;
        for (var i = 0; i < exponent; i++) power *= 10;
        return power;
    }

    /// <param name="Read">Digits before the point so far.</param>
    /// <param name="Fraction">Digits after the point so far; −1 before the point.</param>
    private readonly record struct Place(int Read, int Fraction, bool EqualsLow, bool EqualsHigh, decimal Remainder);
}
