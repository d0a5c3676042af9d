/** Round-robin over members, a few at a time. */
export interface Turns<T> {
  add(member: T): void
  remove(member: T): void
  /** Returns the next `count` members, each at most once. */
  next(count: number): readonly T[]
}

export function createTurns<T>(): Turns<T> {
  const members: T[] = []
  let at = 0
  return {
    add: (member) => void members.push(member),
    remove(member) {
      const index = members.indexOf(member)
      if (index < 0) return
      members.splice(index, 1)
      if (index < at) at -= 1
    },
    next(count) {
      if (count >= members.length) return [...members]
      const end = at + count
      const turn = members.slice(at, end)
      if (end > members.length) turn.push(...members.slice(0, end - members.length))
      at = end % members.length
      return turn
    },
  }
}
