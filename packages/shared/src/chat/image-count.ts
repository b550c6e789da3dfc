import { AppError } from '../errors/index.ts'

/**
 * Checks that each place for an image in a prompt has its image.
 *
 * @throws AppError `image.count_mismatch`
 */
export function checkImageCount(imagePlaces: number, images: number): void {
  if (imagePlaces === images) return
  throw new AppError('image.count_mismatch', `Expected ${imagePlaces} images, one for each place, found ${images}.`)
}
