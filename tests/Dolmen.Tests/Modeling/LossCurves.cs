using System.Text.Json;
using System.Text.Json.Nodes;
using Dolmen.Tests.Repository;

namespace Dolmen.Tests.Modeling;

/// <summary>Losses of seeded runs in fp32, recorded: a change to numerics shows here. DOLMEN_ACCEPT=1 records anew, and the commit says
/// why.</summary>
internal static class LossCurves
{
    private static readonly string File = Path.Combine(Checkout.Root, "tests", "Dolmen.Tests", "Modeling", "Goldens", "loss-curves.json");
    private static readonly Lock Writing = new();

    public static float[] Recorded(string name, IReadOnlyList<float> measured)
    {
        lock (Writing)
        {
            var curves = System.IO.File.Exists(File) ? JsonNode.Parse(System.IO.File.ReadAllText(File))!.AsObject() : [];
            if (Environment.GetEnvironmentVariable("DOLMEN_ACCEPT") == "1")
            {
                curves[name] = JsonSerializer.SerializeToNode(measured.Select(loss => Math.Round(loss, 4)));
                System.IO.File.WriteAllText(File, curves.ToJsonString(new JsonSerializerOptions { WriteIndented = false }) + "\n");
            }
            return curves[name].Deserialize<float[]>()
                ?? throw new InvalidDataException($"No recorded curve for {name}: run with DOLMEN_ACCEPT=1 once.");
        }
    }
}
