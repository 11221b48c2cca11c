using System.Text.Json;

namespace Dolmen.Checkpoints;

/// <summary>One model_type of config.json: how its keys, which <see cref="ModelFamilies"/> lists, become a configuration and come
/// back.</summary>
internal abstract class ConfigLayout
{
    public abstract string ModelType { get; }

    /// <summary>The class other software loads it with.</summary>
    public abstract string Architecture { get; }

    /// <summary>Whether this layout can say all that the configuration says.</summary>
    public abstract bool CanWrite(ModelConfig config);

    /// <exception cref="Artifacts.UserErrorException">A field is missing, wrong, or asks for what cannot be run.</exception>
    public abstract ModelConfig Read(ConfigFields fields);

    /// <summary>The fields besides those every layout has.</summary>
    public abstract void Write(ModelConfig config, Utf8JsonWriter writer);
}
