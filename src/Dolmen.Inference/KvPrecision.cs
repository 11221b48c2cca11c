namespace Dolmen.Inference;

/// <summary>How an engine keeps the keys and values of attention. Recurrent states are always float32.</summary>
public enum KvPrecision
{
    /// <summary><see cref="Int16"/> where a layer's matrices are blocks of eight or four bits, whose rounding costs far more; otherwise
    /// float32.</summary>
    Automatic,
    Float32,

    /// <summary>Sixteen bits a number, and a scale for each key and each value of a head: half of float32's memory, to 1/65,534 of the
    /// largest number of a key or value.</summary>
    Int16,

    /// <summary>Eight bits a number, and a scale for each key and each value of a head: about a quarter of float32's memory, to 1/254 of
    /// the largest number of a key or value.</summary>
    Int8,
}
